"""The ratio of two things that were measured in pairs, with its 95 % confidence interval.

Method: Student's t on the logarithms of the ratios within pairs. A pair is two trials, one of
each variant, that ran close together in time under the same load and with the same seed, so that
what drifts slowly meets both and leaves their ratio. Logarithms make the interval the same
whichever of the two stands above, and turn a rate's skew into something near normal.

Why not the bootstrap: with the handful of pairs that a person waits for, its intervals are too
narrow (for 5 pairs the percentile interval holds the truth in about 83 of 100 cases, not 95);
Student's holds what it promises from 2 pairs on. ``make bench-stats`` counts how often.

Sources: Student, The probable error of a mean, Biometrika 6 (1908); T. Kalibera, R. Jones,
Rigorous benchmarking in reasonable time, ISMM 2013 (ratios, and repeating what varies: whole
processes); A. Georges et al., Statistically rigorous Java performance evaluation, OOPSLA 2007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from syncline.stats.student import t_quantile

CONFIDENCE = 0.95
# The chance with which a difference called visible would have been shown: the customary one.
POWER = 0.8
METHOD = "Student's t on the logarithms of paired ratios, 95 %"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio as it is known.

    Attributes:
        value: the geometric mean of the pairs' ratios.
        interval: its 95 % confidence interval; None with fewer than two pairs.
        could_have_seen: the smallest difference from 1, as a share (0.04 is 4 %), that a
            measurement with this scatter and so many pairs shows in 4 of 5 cases; None with
            fewer than two pairs.
        pairs: how many there were.
    """

    value: float
    interval: tuple[float, float] | None
    could_have_seen: float | None
    pairs: int

    @property
    def half_width(self) -> float | None:
        """Half of the interval, as a share of the ratio: 0.05 is ± 5 %."""
        if self.interval is None:
            return None
        return math.sqrt(self.interval[1] / self.interval[0]) - 1


def paired_ratio(log_ratios: Sequence[float]) -> Ratio | None:
    """What pairs say of a ratio, from the natural logarithms of their ratios; None without any.

    The difference that could have been seen is (t₀.₉₇₅ + t₀.₈) · s / √n, the usual approximation
    to the power of the paired test (G. W. Snedecor, W. G. Cochran, Statistical Methods, 6.14). It
    uses the scatter only, never the ratio that was found: "observed power" would say nothing new
    (J. M. Hoenig, D. M. Heisey, The abuse of power, The American Statistician 55, 2001).
    """
    if not log_ratios:
        return None
    pairs = len(log_ratios)
    middle = fmean(log_ratios)
    if pairs < 2:
        return Ratio(math.exp(middle), None, None, pairs)
    error = stdev(log_ratios) / math.sqrt(pairs)
    t = t_quantile(0.5 + CONFIDENCE / 2, pairs - 1)
    seen = (t + t_quantile(POWER, pairs - 1)) * error
    return Ratio(
        math.exp(middle),
        (_exp(middle - t * error), _exp(middle + t * error)),
        _exp(seen) - 1,
        pairs,
    )


def ratio_interval(log_ratios: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % confidence interval of a ratio alone; see :func:`paired_ratio`."""
    found = paired_ratio(log_ratios)
    return found.interval if found else None


def _exp(power: float) -> float:
    # Two pairs that disagree wildly leave an interval beyond what a float holds.
    return math.exp(max(-300.0, min(300.0, power)))
