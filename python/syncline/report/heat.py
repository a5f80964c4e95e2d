"""A load's intervals as a heat map: how many requests took how long, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence

from syncline.engine import Histogram
from syncline.outcome import Interval
from syncline.report.graphics import Heat

_ROWS_PER_DECADE = 8
_MOST_COLUMNS = 160
_Buckets = list[tuple[int, int, int]]


def heat_of(intervals: Sequence[Interval], unit_ns: int) -> Heat | None:
    """Response time in open loop, service time in closed loop; None if nothing was recorded."""
    columns = [(one.start_s, one.end_s, _buckets(one)) for one in intervals]
    filled = [bucket for _, _, buckets in columns for bucket in buckets]
    if not filled:
        return None
    unit_us = unit_ns / 1e3
    bottom = _row(min(low for low, _, _ in filled) * unit_us)
    top = _row(max(high for _, high, _ in filled) * unit_us) + 1
    stride = math.ceil(len(columns) / _MOST_COLUMNS)
    counts, edges_s = [], [columns[0][0]]
    for first in range(0, len(columns), stride):
        group = columns[first : first + stride]
        column = [0] * (top - bottom)
        for low, high, count in (bucket for _, _, buckets in group for bucket in buckets):
            column[_row((low + high) / 2 * unit_us) - bottom] += count
        counts.append(tuple(column))
        edges_s.append(group[-1][1])
    edges_us = tuple(10 ** (row / _ROWS_PER_DECADE) for row in range(bottom, top + 1))
    return Heat(tuple(edges_s), edges_us, tuple(counts))


def _buckets(one: Interval) -> _Buckets:
    encoded = one.response_histogram or one.service_histogram
    if encoded is None:
        return []
    return [bucket for bucket in Histogram.decode(encoded).buckets() if bucket[2]]


def _row(value_us: float) -> int:
    return math.floor(math.log10(max(value_us, 1e-3)) * _ROWS_PER_DECADE + 1e-9)
