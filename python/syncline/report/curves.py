"""Throughput and latency against load, and latency against percentile, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from syncline.engine import Histogram
from syncline.outcome import LoadResult, Outcome
from syncline.plan import OpenLoop
from syncline.report.document import Cell, Chart, Column, Node, Sparkline, Table
from syncline.report.graphics import Axis, Line, Point, View
from syncline.report.levels import Figures, Grid, Level, latency, level_words
from syncline.report.original import Original
from syncline.stats.student import t_quantile

_NOTES = {"hang": "hang", "dead": "nothing answered", "invalid": "invalid", "missing": "not run"}
_TICKS = 4
_SPREAD = (0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of a trial, and how it is called."""

    title: str
    axis: Axis
    of: Callable[[LoadResult], float | None]


_RATE = _Figure(
    "Throughput against load",
    Axis("successful answers per second", "rate"),
    lambda result: result.throughput_rps,
)


def _p99(result: LoadResult) -> float | None:
    summary = latency(result)
    return summary.p99 if summary is not None else None


_LATENCY = _Figure(
    "Latency against load, 99th percentile",
    Axis("99 of 100 took at most", "duration_us", log=True),
    _p99,
)


def load_charts(cells: Grid, original: Original) -> Iterator[Chart]:
    """Two charts: answers per second and the 99th percentile, each variant a line."""
    for figure in (_RATE, _LATENCY):
        rated = figure is _RATE
        views = tuple(
            View(label, tuple(_lines(levels, cells, figure, original if rated else None)))
            for label, levels in _families(cells)
        )
        views = tuple(view for view in views if _drawn(view))
        if views:
            caption = _caption(cells, original) if rated else _which(cells)
            # The table says the rest where nothing can be drawn.
            instead = tuple(_sparks(views)) if rated else ()
            yield Chart(figure.title, _load_axis(cells), figure.axis, views, caption, instead)


def _families(cells: Grid) -> Iterator[tuple[str, list[Level]]]:
    """Levels that lie on one axis: kinds of closed loop, open loops with one rate by method."""
    found: dict[str, list[Level]] = {}
    for level in cells.levels:
        found.setdefault(_family(level), []).append(level)
    for name, levels in found.items():
        yield name, sorted(levels, key=_intensity)


def _family(level: Level) -> str:
    if level.offered is None:
        return level.load
    return level.load.rpartition("-")[0] or level.load


def _intensity(level: Level) -> float:
    """Connections in closed loop, the greatest rate offered in open loop."""
    if isinstance(level.schedule, OpenLoop):
        return max(max(phase.from_rps, phase.to_rps) for phase in level.schedule.phases)
    return float(level.connections)


def _load_axis(cells: Grid) -> Axis:
    if any(level.offered is not None for level in cells.levels):
        return Axis("offered requests per second", "rate", log=True)
    return Axis("connections", "count", log=True)


def _lines(
    levels: Sequence[Level], cells: Grid, figure: _Figure, original: Original | None
) -> Iterator[Line]:
    for hue, variant in enumerate(cells.variants):
        points = tuple(
            _point(_intensity(level), cells.at(level, variant), figure) for level in levels
        )
        yield Line(variant, points, hue)
        if original is None:
            continue
        theirs = [(level, original.find(level, variant)) for level in levels]
        published = tuple(
            Point(_intensity(level), found.throughput_rps)
            for level, found in theirs
            if found is not None and found.throughput_rps
        )
        if published:
            yield Line(f"{variant}, published", published, hue, dashed=True)


def _point(x: float, cell: Figures, figure: _Figure) -> Point:
    if cell.state != "measured":
        return Point(x, None, note=_NOTES[cell.state])
    values = [
        value
        for outcome in cell.counted
        if outcome.result is not None and (value := figure.of(outcome.result)) is not None
    ]
    if not values:
        return Point(x, None)
    middle = sorted(values)[len(values) // 2] if len(values) % 2 else mean(values)
    return Point(x, middle, *_interval(values))


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The 95 % interval of the mean of repeats, by Student's t; none of a single run."""
    if len(values) < 2:
        return None, None
    half = t_quantile(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return max(0.0, mean(values) - half), mean(values) + half


def _drawn(view: View) -> bool:
    return any(point.y is not None for line in view.lines for point in line.points)


def _caption(cells: Grid, original: Original) -> str:
    parts = [] if cells.single else ["Whiskers are 95 % intervals of the mean of the repeats."]
    if original.published:
        parts.append(
            "Dashed is what the original's author published, from another machine: compare the "
            "shape, not the height."
        )
    return " ".join(parts)


def _which(cells: Grid) -> str:
    opened = any(level.offered is not None for level in cells.levels)
    return "Response time, from the planned instant." if opened else "Service time, from the send."


def _sparks(views: Sequence[View]) -> Iterator[Node]:
    for view in views:
        for line in view.lines:
            known = [point for point in line.points if point.y is not None]
            if line.dashed or len(line.points) < _TICKS or not known:
                continue
            values = tuple(point.y for point in line.points)
            yield Sparkline(f"req/s over load, {line.name}", values)


def percentile_chart(cells: Grid) -> Chart | None:
    """Latency by percentile for each level, the heaviest one that most variants bore first."""
    views = []
    for level in cells.levels:
        lines = tuple(
            line
            for hue, variant in enumerate(cells.variants)
            for line in spectrum_lines(variant, cells.at(level, variant).counted, hue)
        )
        if lines:
            views.append(View(level_words(level, cells), lines))
    if not views:
        return None
    most = max(len(view.lines) for view in views)
    first = max(index for index, view in enumerate(views) if len(view.lines) == most)
    ordered = (views[first], *views[:first], *views[first + 1 :])
    return spectrum_chart(ordered)


def spectrum_chart(views: tuple[View, ...]) -> Chart:
    """Latency by percentile, out to where single requests tell."""
    return Chart(
        "Latency by percentile",
        Axis("percentile", "one_in", log=True),
        Axis("took at most", "duration_us", log=True),
        views,
        "Each step to the right is ten times rarer. Response time runs from the planned instant "
        "(open loop), service time from the send.",
        (_spread_table(views[0]),),
    )


def spectrum_lines(name: str, outcomes: Sequence[Outcome], hue: int) -> Iterator[Line]:
    """Response time and, thin, service time of some repeats put together."""
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    both = any(result.histograms.response_time for result in results)
    for which, title in (("response_time", "response time"), ("service_time", "service time")):
        total = Histogram()
        for result in results:
            encoded = getattr(result.histograms, which)
            if encoded is not None:
                total.add(Histogram.decode(encoded))
        if total.count:
            unit_us = results[0].histograms.unit_ns / 1e3
            points = tuple(
                Point(float(f"{1 / (1 - quantile):.6g}"), float(f"{value * unit_us:.4g}"))
                for value, quantile, _ in total.percentile_rows(_TICKS)
                if quantile < 1 and value > 0
            )
            thin = both and which == "service_time"
            yield Line(f"{name}, {title}" if both else name, points, hue, thin=thin)


def _spread_table(view: View) -> Table:
    columns = (
        Column(f"latency, {view.label}" if view.label else "latency", align="left", key=True),
        *(Column(f"p{share * 100:g}") for share in _SPREAD),
    )
    rows = (
        (Cell(line.name), *(Cell(at_share(line, share), "duration_us") for share in _SPREAD))
        for line in view.lines
    )
    return Table(columns, tuple(rows))


def at_share(line: Line, share: float) -> float | None:
    """The least latency on the line that this share of requests did not exceed."""
    for point in line.points:
        if point.x >= 1 / (1 - share) * (1 - 1e-9):
            return point.y
    return None
