"""The Universal Scalability Law, fitted to throughput over concurrency.

    X(N) = λ N / (1 + σ (N − 1) + κ N (N − 1))

λ is what one connection gets, σ the share that waits for something that only one can have
(contention), κ the cost of keeping pairs in agreement (coherency), which bends the curve down
again (N. J. Gunther, Guerrilla Capacity Planning, Springer 2007, chapter 4; A General Theory of
Computational Scalability Based on Rational Functions, arXiv:0808.1431, 2008).

Fitted by least squares with Levenberg's damping of Gauss-Newton; σ and κ are no less than 0, as
the law has them. Intervals are percentiles of a residual bootstrap (B. Efron, R. Tibshirani, An
Introduction to the Bootstrap, 1993, 9.5), residuals scaled for the parameters that were fitted.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from syncline.stats.student import t_quantile

FEWEST = 4
"""Points, at different levels, below which three parameters say nothing."""
FITS = 0.1
"""The typical residual, as a share of the mean throughput, up to which the law is said to fit."""
_DRAWS = 200
_TRIES = 200
_NONE = 1e-9  # what rounding leaves of a parameter that is 0

Vector = tuple[float, float, float]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Usl:
    """The law with the parameters that fit best, each with its 95 % interval.

    Attributes:
        one_rps: λ, requests per second.
        contention: σ.
        coherency: κ.
        peak_level: the concurrency of the highest throughput; None if the curve only flattens.
        peak_rps: that throughput; of a curve that only flattens, what it tends to; None if it
            rises for ever.
        knee: the concurrency at which ``peak_rps`` would be reached if nothing waited: from
            there on more connections mostly wait (P. J. Denning, J. P. Buzen, The Operational
            Analysis of Queueing Network Models, ACM Computing Surveys 10, 1978).
        error: the typical residual as a share of the mean throughput.
        points: how many levels it was fitted to.
    """

    one_rps: float
    contention: float
    coherency: float
    one_interval: Interval
    contention_interval: Interval
    coherency_interval: Interval
    peak_level: float | None
    peak_rps: float | None
    knee: float | None
    knee_interval: Interval | None
    error: float
    points: int

    @property
    def fits(self) -> bool:
        """Whether the law describes the points."""
        return self.error <= FITS

    def at(self, level: float) -> float:
        """The throughput that the law has at a concurrency."""
        return _law((self.one_rps, self.contention, self.coherency), level)


def fit(points: Sequence[tuple[float, float]], seed: int = 1) -> Usl | None:
    """The law through points of concurrency and throughput.

    Args:
        seed: of the bootstrap.

    Returns:
        None with fewer than ``FEWEST`` different levels, or where nothing was answered.
    """
    known = sorted((level, rate) for level, rate in points if level >= 1 and rate > 0)
    if len({level for level, _ in known}) < FEWEST:
        return None
    best = _least_squares(known)
    fitted = [_law(best, level) for level, _ in known]
    residuals = [rate - at for (_, rate), at in zip(known, fitted, strict=True)]
    degrees = max(1, len(known) - 3)
    error = math.sqrt(sum(one * one for one in residuals) / degrees) / fmean(r for _, r in known)
    drawn = _bootstrap(known, fitted, residuals, seed)
    knees = sorted(found for one in drawn if (found := _peak(one)[2]) is not None)
    peak_level, peak_rps, knee = _peak(best)
    one, contention, coherency = best
    return Usl(
        one_rps=one,
        contention=contention,
        coherency=coherency,
        one_interval=_percentiles(sorted(draw[0] for draw in drawn)),
        contention_interval=_percentiles(sorted(draw[1] for draw in drawn)),
        coherency_interval=_percentiles(sorted(draw[2] for draw in drawn)),
        peak_level=peak_level,
        peak_rps=peak_rps,
        knee=knee,
        # A knee that many of the draws do not have is not known.
        knee_interval=_percentiles(knees) if len(knees) >= 0.9 * len(drawn) else None,
        error=error,
        points=len(known),
    )


def _law(parameters: Vector, level: float) -> float:
    one, contention, coherency = parameters
    return one * level / (1 + contention * (level - 1) + coherency * level * (level - 1))


def _peak(parameters: Vector) -> tuple[float | None, float | None, float | None]:
    """The level of the highest throughput, that throughput, and the knee."""
    one, contention, coherency = parameters
    if contention < 1 and coherency > _NONE:
        level = math.sqrt((1 - contention) / coherency)
        highest = _law(parameters, max(1.0, level))
        return max(1.0, level), highest, highest / one
    if contention > _NONE:
        return None, one / contention, 1 / contention
    return None, None, None


def _least_squares(points: Sequence[tuple[float, float]]) -> Vector:
    """The best fit with σ, κ ≥ 0: of the fits with some of them held at 0, the best allowed."""
    found: list[tuple[float, Vector]] = []
    for free in ((0, 1, 2), (0, 1), (0, 2), (0,)):
        parameters = _damped(points, _start(points, free), free)
        if parameters[0] > 0 and min(parameters) >= 0:
            if len(free) == 3:
                return parameters  # nothing that is held at 0 fits better than what is free
            found.append((_squares(points, parameters), parameters))
    return min(found)[1]


def _start(points: Sequence[tuple[float, float]], free: Sequence[int]) -> Vector:
    """From the law made linear: N/X = (1 + σ(N−1) + κN(N−1)) / λ."""
    rows = [(1.0, n - 1, n * (n - 1)) for n, _ in points]
    normal = [[sum(row[i] * row[j] for row in rows) for j in free] for i in free]
    right = [sum(row[i] * n / x for row, (n, x) in zip(rows, points, strict=True)) for i in free]
    solved = _solve(normal, right)
    values = dict(zip(free, solved, strict=True)) if solved else {}
    inverse = values.get(0, 0.0)
    if inverse <= 0:
        rough = 0.01
        return (
            max(x / n for n, x in points),
            rough if 1 in free else 0.0,
            rough**2 if 2 in free else 0.0,
        )
    return (1 / inverse, values.get(1, 0.0) / inverse, values.get(2, 0.0) / inverse)


def _damped(points: Sequence[tuple[float, float]], start: Vector, free: Sequence[int]) -> Vector:
    parameters, damping = start, 1e-3
    squares = _squares(points, parameters)
    for _ in range(_TRIES):
        rows = [_gradient(parameters, level) for level, _ in points]
        residuals = [rate - _law(parameters, level) for level, rate in points]
        normal = [[sum(row[i] * row[j] for row in rows) for j in free] for i in free]
        for place in range(len(free)):
            normal[place][place] *= 1 + damping
        right = [sum(row[i] * r for row, r in zip(rows, residuals, strict=True)) for i in free]
        step = _solve(normal, right)
        if step is None:
            break
        moved = list(parameters)
        for which, change in zip(free, step, strict=True):
            moved[which] += change
        tried: Vector = (moved[0], moved[1], moved[2])
        now = _squares(points, tried)
        if now < squares:
            small = squares - now <= 1e-10 * squares
            parameters, squares, damping = tried, now, damping / 5
            if small:
                break
        elif damping > 1e6:
            break
        else:
            damping *= 5
    return parameters


def _squares(points: Sequence[tuple[float, float]], parameters: Vector) -> float:
    """The sum of squares; infinite where the law has a pole among the levels."""
    _, contention, coherency = parameters
    if any(1 + contention * (n - 1) + coherency * n * (n - 1) <= 0 for n, _ in points):
        return math.inf
    return sum((rate - _law(parameters, level)) ** 2 for level, rate in points)


def _gradient(parameters: Vector, level: float) -> Vector:
    one, contention, coherency = parameters
    below = 1 + contention * (level - 1) + coherency * level * (level - 1)
    by_one = level / below
    by_contention = -one * level * (level - 1) / below**2
    return by_one, by_contention, by_contention * level


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float] | None:
    """Gauss's elimination with pivots; None for a singular matrix."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda at: abs(rows[at][column]))
        if not abs(rows[pivot][column]) > 1e-300:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for other in range(size):
            if other != column:
                factor = rows[other][column] / rows[column][column]
                rows[other] = [
                    a - factor * b for a, b in zip(rows[other], rows[column], strict=True)
                ]
    return [rows[at][size] / rows[at][at] for at in range(size)]


def _bootstrap(
    points: Sequence[tuple[float, float]],
    fitted: Sequence[float],
    residuals: Sequence[float],
    seed: int,
) -> list[Vector]:
    chance = random.Random(seed)
    size = len(points)
    degrees = max(1, size - 3)
    # Percentiles of so few residuals are too narrow; Student's factor makes up for it.
    scale = math.sqrt(size / degrees) * t_quantile(0.975, degrees) / 1.96
    drawn = []
    for _ in range(_DRAWS):
        again = [
            (level, max(at + scale * chance.choice(residuals), 0.01 * at))
            for (level, _), at in zip(points, fitted, strict=True)
        ]
        drawn.append(_least_squares(again))
    return drawn


def _percentiles(ranked: Sequence[float]) -> Interval:
    def rank(share: float, toward: Callable[[float], int]) -> float:
        return ranked[toward(share * (len(ranked) - 1))]

    return rank(0.025, math.floor), rank(0.975, math.ceil)
