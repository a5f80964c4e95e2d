"""Bisection that stands noise: what is known of a threshold from steps that were met or missed.

Plain bisection believes every answer: one burst of noise at a low rate, and all that follows is
below the truth. Here each answer moves a belief, a distribution over where the threshold is, and
the next step is made at its median (M. Horstein, Sequential transmission using noiseless
feedback, IEEE Trans. Inf. Theory 9, 1963; R. Waeber, P. Frazier, S. Henderson, Bisection search
with noisy responses, SIAM J. Control Optim. 51, 2013). The chance that a step is met falls with
the rate as a logistic curve whose steepness is not known and is believed in likewise; it leaves
room for lapses, as psychometrics does (A. Watson, D. Pelli, QUEST, Perception & Psychophysics 33,
1983). With few or clean answers the belief is the bracket; repeats narrow it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# A disturbance of the machine makes a step be missed that the service would have met, now and
# then; that one is met which it cannot hold is rare.
_MISSED_BELOW = 0.08
_MET_ABOVE = 0.01
# From "almost a wall" to "over a third of the rate": the width of the border, in logarithms.
# Wide borders are the usual ones of queues: in a short window chance decides over a broad range.
_WIDTHS = (0.004, 0.015, 0.05, 0.16)
_USUAL = (0.2, 0.2, 0.3, 0.3)
_GRID = 0.02
# Before any step: near what the pilot showed, but anywhere is possible.
_GUESS_SPREAD = 0.35
_GUESS_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Belief:
    """Where a threshold is, as far as is known.

    Attributes:
        logs: candidates for its natural logarithm, evenly apart.
        weights: of each candidate for each width of the border; they sum to 1.
    """

    logs: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]

    def after(self, rate: float, *, met: bool) -> Belief:
        """The belief once a step at a rate was met or missed."""
        at = math.log(rate)
        weighted = tuple(
            tuple(
                weight * _chance((at - log) / width, met=met)
                for log, weight in zip(self.logs, row, strict=True)
            )
            for width, row in zip(_WIDTHS, self.weights, strict=True)
        )
        total = math.fsum(weight for row in weighted for weight in row)
        return Belief(self.logs, tuple(tuple(w / total for w in row) for row in weighted))

    def quantile(self, share: float) -> float:
        """The rate below which the threshold is with this probability."""
        passed = 0.0
        for log, weight in zip(self.logs, self._marginal(), strict=True):
            if passed + weight >= share:
                inside = (share - passed) / weight if weight else 0.5
                return math.exp(log + (inside - 0.5) * _GRID)
            passed += weight
        return math.exp(self.logs[-1])

    @property
    def middle(self) -> float:
        """The median."""
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return self.quantile(0.025), self.quantile(0.975)

    @property
    def half_width(self) -> float:
        """Half of the interval, as a share: 0.05 is ± 5 %."""
        low, high = self.interval
        return math.sqrt(high / low) - 1

    def _marginal(self) -> Iterator[float]:
        return (math.fsum(column) for column in zip(*self.weights, strict=True))


def believe(guess: float, lowest: float, highest: float) -> Belief:
    """What is known before any step: the threshold is near a guess, or anywhere in a range."""
    steps = math.ceil(math.log(highest / lowest) / _GRID)
    logs = tuple(math.log(lowest) + number * _GRID for number in range(steps + 1))
    near = [math.exp(-0.5 * ((log - math.log(guess)) / _GUESS_SPREAD) ** 2) for log in logs]
    scale = math.fsum(near)
    each = [_GUESS_SHARE * value / scale + (1 - _GUESS_SHARE) / len(logs) for value in near]
    total = math.fsum(each)
    return Belief(logs, tuple(tuple(share * one / total for one in each) for share in _USUAL))


@lru_cache(maxsize=65536)
def _chance(above: float, *, met: bool) -> float:
    """The probability of the answer, so many widths above the threshold."""
    holds = 1 / (1 + math.exp(min(60.0, above)))
    chance = _MET_ABOVE + (1 - _MISSED_BELOW - _MET_ABOVE) * holds
    return chance if met else 1 - chance
