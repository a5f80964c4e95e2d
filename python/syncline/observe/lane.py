"""A thread that asks some observers at planned instants."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from syncline.mask import mask
from syncline.observe.observer import Blind, Observer
from syncline.outcome import Observation

# An observer may use this share of a core; one that needs more is asked less often.
_SHARE = 0.02
_PERIOD_LIMIT_NS = 2e9
_COSTS = 3  # the middle of the last so many: one disturbed sample is not the observer's cost
_INTERRUPTED_LIMIT_S = 1.0
LATE = "watcher.late_ms."  # and the observer's name: by how much a sample came late

T = TypeVar("T")
Add = Callable[[Observer, int, str, float | None], None]


@dataclass(frozen=True, slots=True)
class Removed:
    """An observer that is asked no more, and why, in a sentence."""

    observer: Observer
    reason: str


class Turn:
    """An observer's instants: ``begun + k * period``. Those that were missed are not made up."""

    def __init__(self, observer: Observer, now_ns: int) -> None:
        self.observer = observer
        self.due_ns = now_ns
        self.period_ns = int(observer.period_s * 1e9)
        self._costs: deque[float] = deque(maxlen=_COSTS)

    def plan_next(self, now_ns: int) -> int:
        """Moves on to the next instant that is still to come; how many were missed."""
        steps = max(1, (now_ns - self.due_ns) // self.period_ns + 1)
        self.due_ns += steps * self.period_ns
        return steps - 1

    def charge(self, cost_s: float) -> None:
        """Takes note of what a sample cost, and stretches the period if they cost too much."""
        self._costs.append(cost_s)
        if len(self._costs) < _COSTS:
            return
        bearable_ns = min(_PERIOD_LIMIT_NS, statistics.median(self._costs) / _SHARE * 1e9)
        while self.period_ns < bearable_ns:
            self.period_ns *= 2


class Lane:
    """Asks its observers until it is stopped, then once more.

    Attributes:
        sampled: set once each observer gave its first sample or failed.
        removed: those that failed.
        samples, missed: how many samples were taken, and planned instants that passed without.
        late_most_s, late_sum_s: by how much samples came after their instants.
        cpu_s: what the thread used.
    """

    def __init__(self, observers: Sequence[Observer], add: Add, clock_ns: Callable[[], int]):
        self.sampled = threading.Event()
        self.removed: list[Removed] = []
        self.samples = self.missed = 0
        self.late_most_s = self.late_sum_s = self.cpu_s = 0.0
        self._observers = tuple(observers)
        self._turns: list[Turn] = []
        self._slowed: dict[Observer, float] = {}
        self._add = add
        self._clock_ns = clock_ns
        self._stop = threading.Event()
        self._stuck = False
        name = "-".join(observer.name for observer in observers)
        self._thread = threading.Thread(target=self._run, name=f"watch-{name}"[:60], daemon=True)

    def start(self) -> None:
        """Begins to sample."""
        for observer in self._observers:
            self._guarded(observer, observer.begin)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Lets it take the last samples and end."""
        self._stop.set()

    def join(self, limit_s: float) -> None:
        """Waits for its end; interrupts a sample that takes longer."""
        self._thread.join(limit_s)
        if not self._thread.is_alive():
            return
        for observer in self._observers:
            observer.interrupt()
        self._thread.join(_INTERRUPTED_LIMIT_S)
        self._stuck = self._thread.is_alive()
        for observer in self._observers:
            self._remove(observer, f"{observer.name} gave no answer and is no longer watched.")

    def observations(self) -> tuple[Observation, ...]:
        """What the observers tell beside numbers, and whom it was too costly to ask as planned."""
        found: list[Observation] = []
        for observer in self._observers:
            if self._stuck or any(one.observer is observer for one in self.removed):
                continue
            told = self._guarded(observer, observer.observations)
            found += told or ()
            if every_s := self._slowed.get(observer):
                found.append(
                    observer.note(
                        f"A sample of {observer.name} is costly here, so it was taken every "
                        f"{every_s:g} s only."
                    )
                )
        return tuple(found)

    def _run(self) -> None:
        began_ns = self._clock_ns()
        self._turns = [
            Turn(observer, began_ns)
            for observer in self._observers
            if all(one.observer is not observer for one in self.removed)
        ]
        for turn in list(self._turns):
            self._sample(turn, planned=False)
        self.sampled.set()
        while self._turns:
            turn = min(self._turns, key=lambda turn: turn.due_ns)
            if self._stop.wait(max(0.0, (turn.due_ns - self._clock_ns()) / 1e9)):
                break
            self._sample(turn, planned=True)
        for turn in list(self._turns):
            self._sample(turn, planned=False)
        self.cpu_s = time.thread_time()

    def _sample(self, turn: Turn, *, planned: bool) -> None:
        at_ns = self._clock_ns()
        if planned:
            late_s = (at_ns - turn.due_ns) / 1e9
            self.late_most_s = max(self.late_most_s, late_s)
            self.late_sum_s += late_s
        before_s = time.thread_time()
        found = self._guarded(turn.observer, lambda: turn.observer.sample(at_ns / 1e9))
        if found is None:
            self._turns.remove(turn)
            return
        self.samples += 1
        for name, value in found.items():
            self._add(turn.observer, at_ns, name, value)
        if planned:
            self._add(turn.observer, at_ns, f"{LATE}{turn.observer.name}", late_s * 1e3)
        period_ns = turn.period_ns
        if planned:  # the first one has files to open, and its code to warm up
            turn.charge(time.thread_time() - before_s)
        if turn.period_ns != period_ns:
            self._slowed[turn.observer] = turn.period_ns / 1e9
        missed = turn.plan_next(self._clock_ns())
        self.missed += missed if planned else 0

    def _guarded(self, observer: Observer, action: Callable[[], T]) -> T | None:
        """The action's result; None if it failed, which costs the observer its place."""
        try:
            return action()
        except Blind as reason:
            self._remove(observer, str(reason))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            text = mask(f"{type(error).__name__}: {error}")
            self._remove(observer, f"The observer {observer.name} failed and is off: {text}")
        return None

    def _remove(self, observer: Observer, reason: str) -> None:
        if all(one.observer is not observer for one in self.removed):
            self.removed.append(Removed(observer, reason))
