"""What the probes of a service's processes reported, as series; bounded, whatever they send."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from syncline.outcome import Series

PREFIX = "probe."
GRID_S = 0.1
_POINTS = 6000  # of one process and quantity: ten minutes at 10 Hz; then every second one goes
_FRESH_S = 3.0  # how long a value stands for now
_NAMES = 200  # quantities of one process
_GREATEST = ("_max_ms", "_p50_ms", "_p99_ms", "_oldest_ms", "_late_ms")


@dataclass(slots=True)
class _Track:
    """One quantity of one process: instants on the monotonic clock, and values."""

    t_s: array[float] = field(default_factory=lambda: array("d"))
    value: array[float] = field(default_factory=lambda: array("d"))

    def add(self, t_s: float, value: float, greatest: bool) -> None:
        self.t_s.append(max(t_s, self.t_s[-1]) if self.t_s else t_s)
        self.value.append(value)
        if len(self.t_s) > _POINTS:
            self._thin(greatest)

    def _thin(self, greatest: bool) -> None:
        """Halves the points; of quantities whose peaks matter, the greater of two stays."""
        pairs = zip(self.value[0::2], self.value[1::2], strict=False)
        self.value = array("d", (max(pair) if greatest else pair[1] for pair in pairs))
        self.t_s = self.t_s[1::2]


class ProcessSamples:
    """The samples of one process."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def add(self, t_s: float, values: Mapping[object, object]) -> None:
        """Keeps a sample; what is no finite number under a short name is passed over."""
        for name, value in values.items():
            if not isinstance(name, str) or isinstance(value, bool):
                continue
            if not isinstance(value, int | float) or not math.isfinite(value):
                continue
            track = self._tracks.get(name)
            if track is None:
                if len(self._tracks) >= _NAMES or not _is_name(name):
                    continue
                track = self._tracks[name] = _Track()
            track.add(t_s, float(value), is_greatest(name))

    def names(self) -> tuple[str, ...]:
        """The quantities seen."""
        return tuple(sorted(self._tracks))

    def last(self, name: str) -> float | None:
        """The latest value."""
        track = self._tracks.get(name)
        return track.value[-1] if track is not None else None

    def newest(self, name: str, start_s: float) -> tuple[float, float] | None:
        """The last instant, on the monotonic clock, and its value; counts from ``start_s``."""
        track = self._tracks.get(name)
        if track is None or track.t_s[-1] < start_s:
            return None
        base = track.value[0] if is_count(name) and track.t_s[0] < start_s else 0.0
        return track.t_s[-1], track.value[-1] - base

    def since(self, name: str, start_s: float) -> list[tuple[float, float]]:
        """Points from ``start_s`` on, by seconds since then; counts ``_total`` from there."""
        track = self._tracks.get(name)
        if track is None:
            return []
        base = 0.0
        points = []
        for t_s, value in zip(track.t_s, track.value, strict=True):
            if t_s < start_s:
                base = value if is_count(name) else 0.0
            else:
                points.append((t_s - start_s, value - base))
        return points

    def forget_before(self, t_s: float) -> None:
        """Drops what is older, but for the last point, from which counts go on."""
        for track in self._tracks.values():
            first = next((i for i, at in enumerate(track.t_s) if at >= t_s), len(track.t_s))
            del track.t_s[: max(0, first - 1)], track.value[: max(0, first - 1)]


def combined(processes: Iterable[ProcessSamples], start_s: float) -> dict[str, Series]:
    """One series for each quantity, over all the processes, on a grid of 0.1 s.

    In each step a process counts with its last value in it (a greatest: its greatest), or with
    its value before for up to a second, for what is sampled once a second or was late.
    Processes are added up; lags, ages and longest times are the greatest of them.
    """
    processes = tuple(processes)
    names = sorted({name for process in processes for name in process.names()})
    series = {}
    for name in names:
        tracks = [points for one in processes if (points := one.since(name, start_s))]
        if tracks:
            series[PREFIX + name] = _on_grid(tracks, name)
    return series


def latest(processes: Iterable[ProcessSamples], start_s: float, now_s: float) -> dict[str, float]:
    """The last value of each quantity over the processes; one's counts if it is silent now."""
    found: dict[str, float] = {}
    for process in processes:
        for name in process.names():
            point = process.newest(name, start_s)
            if point is None or (not is_count(name) and now_s - point[0] > _FRESH_S):
                continue
            key, value = PREFIX + name, point[1]
            known = found.get(key)
            if known is None:
                found[key] = value
            else:
                found[key] = max(known, value) if is_greatest(name) else known + value
    return found


def single(process: ProcessSamples, start_s: float, pid: int) -> dict[str, Series]:
    """A process's own series, at the instants at which it sampled."""
    series = {}
    for name in process.names():
        if points := process.since(name, start_s):
            instants, values = zip(*points, strict=True)
            series[f"{PREFIX}{name}[{pid}]"] = Series(
                unit_of(name), tuple(round(at, 3) for at in instants), values
            )
    return series


def is_count(name: str) -> bool:
    """Whether it only ever grows."""
    return name.endswith("_total")


def is_greatest(name: str) -> bool:
    """Whether processes are not added up: the worst of them is what is meant."""
    return name.endswith(_GREATEST)


def unit_of(name: str) -> str:
    """The unit that the name ends with; ``1`` for numbers of things."""
    name = name.removesuffix("_total")
    for unit in ("ms", "s", "bytes"):
        if name.endswith("_" + unit):
            return unit
    return "1"


def _on_grid(tracks: list[list[tuple[float, float]]], name: str) -> Series:
    steps = 1 + max(int(points[-1][0] / GRID_S) for points in tracks)
    kept = math.inf if is_count(name) else 10
    total: list[float | None] = [None] * steps
    for points in tracks:
        for step, value in enumerate(_stepped(points, steps, kept, is_greatest(name))):
            known = total[step]
            if value is None:
                continue
            if known is None:
                total[step] = value
            else:
                total[step] = max(known, value) if is_greatest(name) else known + value
    filled = [(step, value) for step, value in enumerate(total) if value is not None]
    return Series(
        unit_of(name),
        tuple(round((step + 1) * GRID_S, 3) for step, _ in filled),
        tuple(value for _, value in filled),
    )


def _stepped(
    points: list[tuple[float, float]], steps: int, kept: float, greatest: bool
) -> list[float | None]:
    values: list[float | None] = [None] * steps
    for at, value in points:
        step = int(at / GRID_S)
        known = values[step]
        values[step] = max(known, value) if greatest and known is not None else value
    last: float | None = None
    age = 0
    for step, known in enumerate(values):
        if known is not None:
            last, age = known, 0
        elif last is not None and age < kept:
            age += 1
            values[step] = last
    return values


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and name.isascii() and name.replace("_", "").isalnum()
