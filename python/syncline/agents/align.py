"""Agents' intervals on one time axis, each merged alone so that memory stays flat.

Agents begin within a millisecond of each other and cut their intervals at the same distances from
their own beginning. An interval is added to the one on the common axis whose start is nearest; one
agent that began a second late is so put where its requests were sent, not where its count begins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from syncline.agents.histograms import add_encoded, quantiles
from syncline.outcome import Interval


def merge_intervals(
    parts: Sequence[tuple[float, Sequence[Interval]]], unit_ns: int
) -> tuple[Interval, ...]:
    """The intervals of all agents.

    Args:
        parts: for each agent, by how many seconds it began after the first, and its intervals.
        unit_ns: the unit of their histograms.
    """
    axis = _Axis(parts)
    cells: dict[tuple[int, bool], list[Interval]] = defaultdict(list)
    for shift_s, intervals in parts:
        for one in intervals:
            moved = replace(one, start_s=one.start_s + shift_s, end_s=one.end_s + shift_s)
            cells[axis.place(moved.start_s), one.warmup].append(moved)
    # Of one place the warm-up comes first: an agent that began late was still in it.
    order = sorted(cells, key=lambda key: (key[0], not key[1]))
    return tuple(merge_one(cells[key], unit_ns) for key in order)


def merge_one(many: Sequence[Interval], unit_ns: int) -> Interval:
    """One interval of what several agents did in it."""
    service = add_encoded(one.service_histogram for one in many)
    response = add_encoded(one.response_histogram for one in many)
    planned = [one.planned for one in many if one.planned is not None]
    return Interval(
        start_s=min(one.start_s for one in many),
        end_s=max(one.end_s for one in many),
        warmup=many[0].warmup,
        planned=sum(planned) if len(planned) == len(many) else None,
        started=sum(one.started for one in many),
        ok=sum(one.ok for one in many),
        failed=sum(one.failed for one in many),
        timed_out=sum(one.timed_out for one in many),
        in_flight=sum(one.in_flight for one in many),
        queued=sum(one.queued for one in many),
        busy_mean=sum(one.busy_mean for one in many),
        bytes_in=sum(one.bytes_in for one in many),
        bytes_out=sum(one.bytes_out for one in many),
        status=_counts(one.status for one in many),
        errors=_counts(one.errors for one in many),
        service_time_us=quantiles(service, unit_ns),
        response_time_us=quantiles(response, unit_ns),
        service_histogram=None if service is None else service.encode(),
        response_histogram=None if response is None else response.encode(),
    )


class _Axis:
    """Where the intervals of the agent with the most of them begin, and on at their length."""

    def __init__(self, parts: Sequence[tuple[float, Sequence[Interval]]]) -> None:
        shift_s, longest = max(parts, key=lambda part: (len(part[1]), -part[0]))
        self._starts_s = [one.start_s + shift_s for one in longest]
        lengths_s = sorted(one.end_s - one.start_s for one in longest)
        self._length_s = lengths_s[-1] if lengths_s else 1.0

    def place(self, start_s: float) -> int:
        if not self._starts_s:
            return 0
        last = len(self._starts_s) - 1
        beyond = round((start_s - self._starts_s[last]) / self._length_s)
        if beyond > 0:
            return last + beyond
        return min(range(last + 1), key=lambda index: abs(self._starts_s[index] - start_s))


def _counts(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in many:
        total.update(one)
    return dict(sorted(total.items()))
