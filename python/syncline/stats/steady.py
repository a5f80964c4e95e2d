"""Where the start of a load ends and its steady part begins, found in its own series.

Method: MSER (marginal standard error rule). Of all points at which the start could be cut off, it
takes the one after which the mean is known best: the smallest standard error of what is left.
Observations are averaged by fives first where there are enough (MSER-5). Cuts are looked for in
the first half, as the rule's author has it: further on, a few values that lie close together by
chance would win. If the two halves of what is left still differ, no steady part was found.

Sources: K. P. White, An effective truncation heuristic for bias reduction in simulation output,
Simulation 69 (1997); K. P. White, M. J. Cobb, S. C. Spratt, A comparison of five steady-state
truncation heuristics for simulation, WSC 2000 (batches of five).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from syncline.outcome import Interval

# Of a load, at most: what lasts longer is no start that went over.
A_START = 1 / 3
# Fewer observations do not tell a start from chance.
FEWEST = 8
_FIVES_FROM = 50
# A start that moves the mean by less is of no consequence to anyone; nothing is cut off for it.
_MATTERS = 0.02
# Halves of the rest that differ by less are steady enough for one mean to describe both.
_UNSTEADY = 0.05
# Nothing is made of what lies within the scatter: the cut is the best of many, so it takes more
# than the customary two standard errors.
_ERRORS = 3.5


@dataclass(frozen=True, slots=True)
class Settling:
    """What a series says of its start.

    Attributes:
        cut: how many observations belong to the start.
        steady: whether the rest is a steady part: its halves do not differ.
        bias: by what share the mean of all differs from the mean of the steady part.
    """

    cut: int
    steady: bool
    bias: float


def settling(values: Sequence[float]) -> Settling | None:
    """Where the values settle; None with fewer than :data:`FEWEST`."""
    if len(values) < FEWEST:
        return None
    size = 5 if len(values) >= _FIVES_FROM else 1
    whole = len(values) // size * size
    # A rest that fills no batch is left out at the front, where the start is.
    ahead = len(values) - whole
    batches = [fmean(values[at : at + size]) for at in range(ahead, len(values), size)]
    best = _best_cut(batches)
    rest = batches[best:]
    steady = not _differ(rest[: len(rest) // 2], rest[len(rest) // 2 :], _UNSTEADY)
    # A start of a tenth of the series moves the mean of all by a tenth of what it differs by.
    if best and not _differ(batches[:best], rest, _MATTERS * len(batches) / best):
        best = 0
    if best == 0:
        return Settling(0, steady, 0.0)
    cut = ahead + best * size
    kept = fmean(values[cut:])
    return Settling(cut, steady, fmean(values) / kept - 1 if kept else 0.0)


def rates(intervals: Sequence[Interval]) -> tuple[float, ...]:
    """Successful answers per second in each measured interval, a short last one left out.

    A rest of an interval at the end of a load counts few answers over little time and would
    look like a change.
    """
    measured = [one for one in intervals if not one.warmup and one.end_s > one.start_s]
    if not measured:
        return ()
    usual_s = max(one.end_s - one.start_s for one in measured)
    return tuple(
        one.ok / length_s
        for one in measured
        if (length_s := one.end_s - one.start_s) > 0.5 * usual_s
    )


def _differ(some: Sequence[float], others: Sequence[float], matters: float) -> bool:
    """Whether means differ by a share that matters, and by more than scatter explains."""
    apart = abs(fmean(some) - fmean(others))
    error = _scatter(others) * math.sqrt(1 / len(some) + 1 / len(others))
    return apart > _ERRORS * error and apart > matters * abs(fmean(others))


def _scatter(values: Sequence[float]) -> float:
    """The standard deviation by successive differences, which a step or a slope hardly moves.

    J. von Neumann et al., The mean square successive difference, Ann. Math. Stat. 12 (1941).
    """
    return math.sqrt(fmean((b - a) ** 2 for a, b in pairwise(values)) / 2)


def _best_cut(batches: Sequence[float]) -> int:
    """The number of leading batches without which the standard error is smallest.

    Sums run from the end, so that all cuts together cost one pass.
    """
    best, least = 0, math.inf
    mean, squares = 0.0, 0.0
    for count, batch in enumerate(reversed(batches), 1):
        cut = len(batches) - count
        step = batch - mean
        mean += step / count
        squares += step * (batch - mean)
        if cut <= len(batches) // 2 and squares / count**2 <= least:
            best, least = cut, squares / count**2
    return best
