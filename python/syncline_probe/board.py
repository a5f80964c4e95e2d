"""Where hooks hang what they observe and the sampler finds it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

Sample: TypeAlias = dict[str, float]
Gauge: TypeAlias = Callable[[Sample], None]
Summary: TypeAlias = Callable[[], list[dict[str, object]]]
Settings: TypeAlias = Callable[[], dict[str, object]]

TICK_S = 0.05
_EVENTS = 256
_FAILURES = 3


class Board:
    """What is asked at each turn of the sampler, and the events since the last.

    Everything that is asked may fail: at its third time running (once may be a race with the
    service's threads) it is taken off the board, and one event ``hook-failed`` says which it
    was and why.

    Attributes:
        ticks: called with the monotonic time in seconds, as the gauges, and 20 times a second
            where no event loop is alive.
        beats: called at each heartbeat of an event loop that takes no turn, for what must not
            wait for the next one; as long as there is such a thing.
        hasty: the names of those of ``beats`` that have such a thing.
        gauges: called 10 times a second; each puts its numbers into the sample.
        slow_gauges: the same once a second, for what costs more.
        summaries: called once a second, by the name under which their rows are sent.
        settings: called once a second, and sent when they have changed.
        alive: called by an event loop at its heartbeats, with the monotonic time in seconds and
            until when it is not to be thought frozen.
    """

    def __init__(self) -> None:
        self.ticks: dict[str, Callable[[float], None]] = {}
        self.beats: dict[str, Callable[[float], None]] = {}
        self.hasty: set[str] = set()
        self.gauges: dict[str, Gauge] = {}
        self.slow_gauges: dict[str, Gauge] = {}
        self.summaries: dict[str, Summary] = {}
        self.settings: dict[str, Settings] = {}
        self.alive: Callable[[float, float], None] = lambda _now_s, _until_s: None
        self.events_lost = 0
        self._failures: dict[tuple[int, str], int] = {}
        self._events: deque[dict[str, object]] = deque()

    def event(self, name: str, **fields: object) -> None:
        """Keeps an event for the next turn; any thread may call it."""
        if len(self._events) >= _EVENTS:
            self.events_lost += 1
        else:
            self._events.append({"name": name, **fields})

    def taken_events(self) -> list[dict[str, object]]:
        """The events since the last call."""
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def failed(self, hook: str, error: BaseException) -> None:
        """Says that a hook is off from now on."""
        self.event("hook-failed", hook=hook, error=f"{type(error).__name__}: {error}"[:300])

    def asked(self, table: dict[str, Any], *given: Any) -> dict[str, Any]:
        """Calls everything in one of the tables; what each returned, those that did not fail."""
        answers = {}
        for name, call in list(table.items()):
            try:
                answers[name] = call(*given)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not spread
                key = (id(table), name)
                self._failures[key] = self._failures.get(key, 0) + 1
                if self._failures[key] == _FAILURES:
                    del table[name]
                    self.failed(name, error)
            else:
                if self._failures:
                    self._failures.pop((id(table), name), None)
        return answers
