"""Planned instants of an open loop; a pure function of the schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from syncline.plan import OpenLoop, Phase


def instants(schedule: OpenLoop, seed: int) -> Iterator[float]:
    """When flows begin, in seconds since the load's start, without end.

    The integral of the rate passes a whole number at each (uniform), or a sum of exponential
    steps (poisson). Past the last phase its final rate holds; if that is 0, instants end.
    """
    random = Random(seed)
    at = random.expovariate(1.0) if schedule.arrivals == "poisson" else 0.0
    before, began_s = 0.0, 0.0
    for phase in schedule.phases:
        count = (phase.from_rps + phase.to_rps) / 2 * phase.duration_s
        while at < before + count:
            yield began_s + _within(phase, at - before)
            at += random.expovariate(1.0) if schedule.arrivals == "poisson" else 1.0
        before, began_s = before + count, began_s + phase.duration_s
    rate = schedule.phases[-1].to_rps
    while rate > 0:
        yield began_s + (at - before) / rate
        at += random.expovariate(1.0) if schedule.arrivals == "poisson" else 1.0


def _within(phase: Phase, count: float) -> float:
    """When the integral of a straight line from ``from_rps`` reaches ``count``."""
    slope = (phase.to_rps - phase.from_rps) / phase.duration_s
    root = math.sqrt(max(0.0, phase.from_rps**2 + 2 * slope * count))
    # The form without cancellation; it holds for a slope of 0 too.
    below = phase.from_rps + root
    return 2 * count / below if below > 0 else 0.0
