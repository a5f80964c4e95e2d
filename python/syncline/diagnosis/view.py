"""One trial as a rule reads it: quantities by name, events by kind, nothing that can raise.

What the service under test sends of itself is not to be trusted: a value of another type than
expected counts as not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from syncline.outcome import LoadResult, Observation, Outcome, Series
from syncline.trial import Trial


@dataclass(frozen=True, slots=True)
class Peak:
    """A value and when it was."""

    value: float
    at_s: float


@dataclass(frozen=True, slots=True)
class View:
    """A trial that was run, and what it left."""

    trial: Trial
    outcome: Outcome
    result: LoadResult

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.trial.variant.name

    @property
    def level(self) -> int:
        """The load's connections."""
        return self.trial.load.connections

    @property
    def ended(self) -> int:
        """Requests that came to an end, whichever."""
        return self.result.ok + self.result.failed + self.result.timed_out

    @property
    def latency_s(self) -> float | None:
        """The median service time; None without answers."""
        times = self.result.service_time_us
        return times.p50 / 1e6 if times is not None and self.result.ok else None

    def window(self) -> tuple[float, float]:
        """From when to when to look: the measured time, or of a hang its silence."""
        if (hang := self.outcome.hang) is not None:
            return hang.from_s, hang.from_s + hang.longest_s
        warmup_s = self.trial.load.warmup_s
        return warmup_s, warmup_s + self.result.duration_s

    def points(self, name: str, *, whole: bool = False) -> tuple[tuple[float, float], ...]:
        """Instants and values of a quantity while the load lasted; empty if it was not seen.

        Args:
            whole: what was seen outside of :meth:`window` as well.
        """
        series = self.outcome.series.get(name)
        if series is None:
            return ()
        start, end = (-math.inf, math.inf) if whole else self.window()
        return tuple(found for found in _known(series) if start <= found[0] <= end)

    def peak(self, name: str) -> Peak | None:
        """The highest value and its first instant."""
        points = self.points(name)
        if not points:
            return None
        at_s, value = max(points, key=lambda point: (point[1], -point[0]))
        return Peak(value, at_s)

    def high(self, name: str) -> float | None:
        """The highest value."""
        found = self.peak(name)
        return found.value if found else None

    def mean(self, name: str) -> float | None:
        """The mean over the samples."""
        points = self.points(name)
        return fmean(value for _, value in points) if points else None

    def middle(self, name: str) -> float | None:
        """The median over the samples."""
        points = self.points(name)
        return median(value for _, value in points) if points else None

    def growth(self, name: str) -> float | None:
        """How much a counter grew over the measured time."""
        points = self.points(name)
        return points[-1][1] - points[0][1] if len(points) > 1 else None

    def together(
        self, holds: Callable[..., bool], *names: str
    ) -> tuple[float, float | None] | None:
        """The share of samples in which something holds of several quantities, and since when.

        Samples are paired by their instants, to a quarter of a second. None if one of the
        quantities was not seen.
        """
        columns = [self.points(name) for name in names]
        if not all(columns):
            return None
        first, seen, true = None, 0, 0
        for at_s, value in columns[0]:
            others = [_near(column, at_s) for column in columns[1:]]
            if any(other is None for other in others):
                continue
            seen += 1
            if holds(value, *others):
                true += 1
                first = at_s if first is None else first
        return (true / seen, first) if seen else None

    def seen(self, *kinds: str) -> tuple[Observation, ...]:
        """The observations of these kinds."""
        return tuple(one for one in self.outcome.observations if one.kind in kinds)

    def rows(self, kind: str) -> tuple[Mapping[str, object], ...]:
        """The data of the observations of a kind."""
        return tuple(one.data for one in self.seen(kind))

    def series_under(self, prefix: str) -> tuple[str, ...]:
        """The names of quantities that begin so, sorted."""
        return tuple(sorted(name for name in self.outcome.series if name.startswith(prefix)))


def number(row: Mapping[str, object], *names: str) -> float | None:
    """The first of some fields that is a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
            return float(value)
        if isinstance(value, float) and math.isfinite(value):
            return value
    return None


def text(row: Mapping[str, object], name: str) -> str:
    """A field's text; empty if it has none."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def place(row: Mapping[str, object], name: str = "where") -> str:
    """A place in code as ``file:line in function``; empty if it is none."""
    found = row.get(name)
    if isinstance(found, str):
        return found
    if not isinstance(found, list | tuple) or len(found) != 3:
        return ""
    file, line, function = found
    return f"{file}:{line} in {function}"


def _known(series: Series) -> Iterator[tuple[float, float]]:
    for at_s, value in zip(series.t_s, series.value, strict=False):
        if value is not None and math.isfinite(value):
            yield at_s, value


def _near(points: tuple[tuple[float, float], ...], at_s: float) -> float | None:
    when, value = min(points, key=lambda point: abs(point[0] - at_s))
    return value if abs(when - at_s) <= 0.25 else None
