"""Closed forms: what an open loop's latencies must be, from the schedule alone."""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .servers import Truth
from .servers.truth import NS_PER_S


@dataclass(frozen=True, slots=True)
class Stall:
    """A constant-rate load on a server of constant service time that freezes.

    Requests leave in the order of their planned instants, each on the connection that is
    free first. A frozen server neither reads nor writes: what reaches it then is read when
    the freeze ends, what is due then leaves when it ends.

    Attributes:
        freezes: stretches (from, to), in seconds after the first planned instant, in order.
    """

    rate_rps: float
    duration_s: float
    connections: int
    service_s: float
    freezes: tuple[tuple[float, float], ...]

    def response_times_s(self) -> list[float]:
        """From the planned instant to the answer, of requests answered before the end."""
        free_at = [0.0] * self.connections
        times = []
        for number in range(round(self.rate_rps * self.duration_s)):
            planned = number / self.rate_rps
            read = self._thawed(max(planned, free_at[0]))
            answered = self._thawed(read + self.service_s)
            heapq.heapreplace(free_at, answered)
            if answered <= self.duration_s:
                times.append(answered - planned)
        return times

    def _thawed(self, instant: float) -> float:
        at = bisect.bisect_right(self.freezes, (instant, math.inf)) - 1
        return max(instant, self.freezes[at][1]) if at >= 0 else instant


def response_times_by_truth(truth: Truth, rate_rps: float) -> list[float]:
    """Response times as the server itself can tell them, from the rate that was asked.

    Requests leave in the order of their planned instants, so the n-th arrival was planned
    for the n-th instant. When the first instant was, follows from the arrival that was the
    least late: nothing arrives before it is planned.
    """
    start = first_planned_ns(truth, rate_rps)
    return [
        (one.answered_ns - start - number * NS_PER_S / rate_rps) / NS_PER_S
        for number, one in enumerate(truth.served)
        if one.answered_ns is not None
    ]


def first_planned_ns(truth: Truth, rate_rps: float) -> float:
    """The instant of the first request of a constant rate, as the arrivals give it away."""
    return min(
        one.arrived_ns - number * NS_PER_S / rate_rps for number, one in enumerate(truth.served)
    )


def rate_of(instants_ns: Sequence[int]) -> float:
    """Events per second: the median pace over all stretches of half the events.

    A few events that come late, be it the first or the last ones, do not change it.
    """
    ordered = sorted(instants_ns)
    half = len(ordered) // 2
    stretches = [later - earlier for earlier, later in zip(ordered, ordered[half:], strict=False)]
    return half * NS_PER_S / quantile(stretches, 0.5)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def stdev(values: Sequence[float]) -> float:
    """The standard deviation of all these values (not of a sample of more)."""
    middle = mean(values)
    return math.sqrt(mean([(value - middle) ** 2 for value in values]))


def per_bin(instants_ns: Iterable[int], bin_ns: int) -> list[int]:
    """How many instants fall into each bin; the first and the last bin are left out."""
    ordered = sorted(instants_ns)
    if not ordered:
        return []
    counts = [0] * ((ordered[-1] - ordered[0]) // bin_ns + 1)
    for instant in ordered:
        counts[(instant - ordered[0]) // bin_ns] += 1
    return counts[1:-1]
