"""Latency distributions for the eye: a histogram's bars and its percentile spectrum."""

from __future__ import annotations

import math
from collections.abc import Iterable

from syncline.engine import Histogram
from syncline.report.document import Bar, Bars, Cell, Column, Table

_ROWS = 12


def latency_bars(encoded: str, unit_ns: int, title: str) -> Bars:
    """The distribution in a dozen bars of equal ratio, so that body and tail both show."""
    buckets = Histogram.decode(encoded).buckets()
    unit_us = unit_ns / 1e3
    total = sum(count for _, _, count in buckets)
    below = 0
    bars = []
    for upper, count in _binned(buckets):
        below += count
        bars.append(
            Bar(
                Cell(upper * unit_us, "duration_us", tone="dim"),
                count,
                (Cell(count, "count"), Cell(below / total, "share")),
            )
        )
    return Bars(title, tuple(bars))


def spectrum_table(encoded: str, unit_ns: int, title: str) -> Table:
    """The detailed percentile spectrum, as HdrHistogram's tools print it."""
    rows = Histogram.decode(encoded).percentile_rows(5)
    return Table(
        (Column("percentile"), Column("value"), Column("count"), Column("1 in")),
        tuple(
            (
                Cell(f"{quantile * 100:.6f}"),
                Cell(value * unit_ns / 1e3, "duration_us"),
                Cell(total, "count"),
                Cell(f"{1 / (1 - quantile):,.1f}" if quantile < 1 else "∞"),
            )
            for value, quantile, total in rows
        ),
        title,
    )


def _binned(buckets: Iterable[tuple[int, int, int]]) -> list[tuple[float, int]]:
    """Counts under upper edges that grow by a constant ratio from the least to the greatest."""
    recorded = [(low, high, count) for low, high, count in buckets if count]
    if not recorded:
        return []
    least, greatest = max(1, recorded[0][0]), max(1, recorded[-1][1])
    steps = min(_ROWS, max(1, greatest - least))
    ratio = (greatest / least) ** (1 / steps)
    counts = [0] * steps
    for low, high, count in recorded:
        place = math.log(max(1.0, (low + high) / 2) / least, ratio) if ratio > 1 else 0
        counts[min(steps - 1, max(0, int(place)))] += count
    return [(least * ratio ** (step + 1), count) for step, count in enumerate(counts)]
