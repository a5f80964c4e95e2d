"""How much a single pair of trials wavered within itself, from the blocks of its time.

The measured time of each trial is cut into blocks; each block's figure counts as one observation,
and the two trials' means are compared by Welch's t with the degrees of Satterthwaite. That is the
method of non-overlapping batch means (A. M. Law, Simulation Modeling and Analysis, 9.5.3).

What it cannot hold is what differs *between* trials: another process with another memory layout
and hash seed, another state of the machine. On services this is often the larger part. So the
interval is a lower bound of the uncertainty, is told apart from the one of repeats, and never
makes a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from syncline.outcome import Interval, LoadResult
from syncline.record import Metric
from syncline.stats.student import t_quantile

# Fewer blocks say nothing of the scatter; more are not independent (B. Schmeiser, Batch size
# effects in the analysis of simulation output, Operations Research 30, 1982: 10 to 30).
FEWEST = 5
MOST = 20


def block_figures(result: LoadResult, metric: Metric) -> tuple[float, ...]:
    """The figure in each block of a trial's measured time; empty if there are too few."""
    found = [
        value
        for one in result.intervals
        if not one.warmup and (value := _figure(one, metric)) is not None
    ]
    if len(found) < FEWEST:
        return ()
    size = max(1, math.ceil(len(found) / MOST))
    whole = len(found) // size * size
    return tuple(fmean(found[start : start + size]) for start in range(0, whole, size))


def block_interval(
    baseline: Sequence[float], candidate: Sequence[float]
) -> tuple[float, float] | None:
    """The 95 % interval of the ratio of the two means, from blocks alone; None with too few.

    The variance of the ratio's logarithm is the sum of the squared relative errors (the delta
    method).
    """
    if min(len(baseline), len(candidate)) < FEWEST or min(*baseline, *candidate) <= 0:
        return None
    means = [fmean(blocks) for blocks in (baseline, candidate)]
    parts = [
        variance(blocks) / len(blocks) / mean**2
        for blocks, mean in zip((baseline, candidate), means, strict=True)
    ]
    whole = sum(parts)
    if whole == 0:
        return means[1] / means[0], means[1] / means[0]
    degrees = whole**2 / sum(
        part**2 / (len(blocks) - 1)
        for part, blocks in zip(parts, (baseline, candidate), strict=True)
    )
    half = t_quantile(0.975, degrees) * math.sqrt(whole)
    middle = math.log(means[1] / means[0])
    return math.exp(middle - half), math.exp(middle + half)


def _figure(one: Interval, metric: Metric) -> float | None:
    length_s = one.end_s - one.start_s
    if length_s <= 0:
        return None
    if metric == "throughput_rps":
        return one.ok / length_s
    times = one.response_time_us or one.service_time_us
    if times is None:
        return None
    return times.p50 if metric == "p50_us" else times.p99
