"""Observers asked at planned instants while a load runs, each quantity kept over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from syncline.observe.lane import LATE, Lane, Removed
from syncline.observe.observer import Observer, unit_of
from syncline.observe.track import LIMIT, Track, compact
from syncline.outcome import Observation, Series

_FIRST_LIMIT_S = 3.0  # for the first sample of all, before the load
_STOP_LIMIT_S = 3.0  # for a sample that waits for a database
_NAMES_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen.

    Attributes:
        series: by quantity, from the load's begin on.
        observations: what is no number over time; what could not be seen; the watcher's cost.
        removed: the observers that failed, with the sentence that says why.
    """

    series: dict[str, Series] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    removed: tuple[Removed, ...] = ()


class Watcher:
    """Samples observers from its start to its end, in threads of its own.

    Observers that never wait share a thread; each other one has its own. The first samples are
    taken before :meth:`start` returns, so that there is a figure from before the load, and the
    last ones when it is stopped. Observers are begun here and closed by whoever made them.

    Args:
        observers: what is sampled.
        clock_ns: CLOCK_MONOTONIC in nanoseconds, which is also the load engine's clock.
        limit: how many samples of a quantity are kept.
    """

    def __init__(
        self,
        observers: Iterable[Observer],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        limit: int = LIMIT,
    ) -> None:
        observers = tuple(observers)
        together = [one for one in observers if not one.apart]
        groups = [together] if together else []
        groups += [[one] for one in observers if one.apart]
        self._clock_ns = clock_ns
        self._limit = limit
        self._tracks: dict[str, Track] = {}
        self._units: dict[str, str] = {}
        self._lock = threading.Lock()
        self._lanes = [Lane(group, self._add, clock_ns) for group in groups]
        self._began_ns = self._ended_ns = 0

    def start(self) -> None:
        """Begins; returns once each observer gave its first sample, or takes too long for it."""
        self._began_ns = self._clock_ns()
        for lane in self._lanes:
            lane.start()
        deadline = time.monotonic() + _FIRST_LIMIT_S
        for lane in self._lanes:
            lane.sampled.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Takes the last samples and ends; a sample that hangs is interrupted."""
        for lane in self._lanes:
            lane.ask_to_stop()
        deadline = time.monotonic() + _STOP_LIMIT_S
        for lane in self._lanes:
            lane.join(max(0.1, deadline - time.monotonic()))
        self._ended_ns = self._clock_ns()

    def latest(self) -> dict[str, float]:
        """The newest value of each quantity, for a display; counters as the observers tell them."""
        with self._lock:
            tracks = list(self._tracks.items())
        return {name: value for name, track in tracks if (value := track.last()) is not None}

    def watched(self, origin_ns: int) -> Watched:
        """What was seen since the load began at that instant. Once the watcher is stopped."""
        series = {}
        for name, track in sorted(self._tracks.items()):
            one = track.series(self._units[name], origin_ns, counter=name.endswith("_total"))
            if one is not None:
                series[name] = one
        removed = tuple(one for lane in self._lanes for one in lane.removed)
        found = [note for lane in self._lanes for note in lane.observations()]
        found += [Observation(one.observer.name, "note", one.reason) for one in removed]
        return Watched(series, (*(_placed(one, origin_ns) for one in found), self._cost()), removed)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _add(self, observer: Observer, at_ns: int, name: str, value: float | None) -> None:
        track = self._tracks.get(name)
        if track is None:
            if len(self._tracks) >= _NAMES_LIMIT:
                return
            with self._lock:
                track = self._tracks.setdefault(name, Track(self._limit))
                late = name.startswith(LATE)
                self._units[name] = "ms" if late else unit_of(observer.units, name)
        track.add(at_ns, value)

    def _cost(self) -> Observation:
        """What the watching took, and how well it kept its instants."""
        lasted_s = max(1e-9, (self._ended_ns - self._began_ns) / 1e9)
        cpu_s = sum(lane.cpu_s for lane in self._lanes)
        samples = sum(lane.samples for lane in self._lanes)
        late_s = max((lane.late_most_s for lane in self._lanes), default=0.0)
        return Observation(
            "watcher",
            "cost",
            f"Watching from outside took {100 * cpu_s / lasted_s:.2f} % of a core: {samples} "
            f"samples, the latest of them {late_s * 1000:.0f} ms behind its instant.",
            data={
                "cpu_s": compact(cpu_s),
                "lasted_s": compact(lasted_s),
                "cpu_share": compact(cpu_s / lasted_s),
                "samples": samples,
                "missed": sum(lane.missed for lane in self._lanes),
                "late_most_s": compact(late_s),
                "late_mean_s": compact(
                    sum(lane.late_sum_s for lane in self._lanes) / max(1, samples)
                ),
            },
        )


def _placed(found: Observation, origin_ns: int) -> Observation:
    """The observation with its instant on the load's clock, if it says one."""
    at = found.data.get("monotonic_s")
    if not isinstance(at, float):
        return found
    data = {name: value for name, value in found.data.items() if name != "monotonic_s"}
    at_s = round(at - origin_ns / 1e9, 3)
    return Observation(found.observer, found.kind, found.text, at_s, data)
