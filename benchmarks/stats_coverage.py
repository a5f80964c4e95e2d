"""How often 95 % intervals hold the truth, counted on numbers whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from syncline.design.precise import FIRST_LOOK
from syncline.stats import paired_ratio

Draw = Callable[[random.Random], float]
TRUTH = math.log(1.05)
SCATTER = 0.04
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Coverage:
    """One line of the table.

    Attributes:
        method, noise, pairs: what was simulated.
        held: the share of intervals that hold the truth; 0.95 is promised.
        runs: of how many.
    """

    method: str
    noise: str
    pairs: str
    held: float
    runs: int


NOISES: dict[str, Draw] = {
    "normal": lambda draw: draw.gauss(0, SCATTER),
    # Skewed as rates are: now and then a trial is much slower, never much faster.
    "skewed": lambda draw: SCATTER * (1 - draw.expovariate(1)),
    # Student's t with 3 degrees: a disturbance every now and then, either way.
    "heavy tails": lambda draw: (
        SCATTER * draw.gauss(0, 1) / math.sqrt(draw.gammavariate(1.5, 2) / 3) / math.sqrt(3)
    ),
}


def coverage(runs: int, seed: int = 1) -> Iterator[Coverage]:
    """Every combination of noise and number of pairs; then drift, stopping and the bootstrap."""
    draw = random.Random(seed)
    for noise, one in NOISES.items():
        for pairs in (2, 3, 5, 10, 20):
            held = _held(runs, partial(_of_pairs, draw, one, pairs))
            yield Coverage("t of log-ratios", noise, str(pairs), held, runs)
    for name, mirrored in (("drift, mirrored rounds", True), ("drift, always A before B", False)):
        held = _held(runs, partial(_of_drift, draw, 8, mirrored=mirrored))
        yield Coverage("t of log-ratios", name, "8", held, runs)
    held = _held(runs, lambda: _t(_until_narrow(draw)))
    yield Coverage("t, rounds added until ± 3 %", "normal", f"{FIRST_LOOK} to 60", held, runs)
    for pairs in (5, 20):
        held = _held(runs // 5, partial(_bootstrap, draw, pairs))
        yield Coverage("percentile bootstrap, not used", "normal", str(pairs), held, runs // 5)


def _held(runs: int, interval: Callable[[], tuple[float, float]]) -> float:
    held = 0
    for _ in range(runs):
        low, high = interval()
        held += low <= TRUTH <= high
    return held / runs


def _t(logs: Sequence[float]) -> tuple[float, float]:
    found = paired_ratio(logs)
    if found is None or found.interval is None:
        raise ValueError("an interval takes two pairs")
    return math.log(found.interval[0]), math.log(found.interval[1])


def _of_pairs(draw: random.Random, noise: Draw, pairs: int) -> tuple[float, float]:
    return _t(_pairs(draw, noise, pairs))


def _of_drift(draw: random.Random, pairs: int, *, mirrored: bool) -> tuple[float, float]:
    return _t(_drifting(draw, pairs, mirrored=mirrored))


def _pairs(draw: random.Random, noise: Draw, pairs: int) -> list[float]:
    """A pair's log-ratio is the difference of two trials' noises, and the truth."""
    return [TRUTH + noise(draw) - noise(draw) for _ in range(pairs)]


def _drifting(draw: random.Random, pairs: int, *, mirrored: bool) -> list[float]:
    """The machine slows by 3 % with each trial."""
    logs = []
    for turn in range(pairs):
        later = -0.03 if not (mirrored and turn % 2) else 0.03
        logs.append(TRUTH + later + draw.gauss(0, SCATTER / 4))
    return logs


def _until_narrow(draw: random.Random) -> list[float]:
    logs = _pairs(draw, NOISES["normal"], FIRST_LOOK)
    while len(logs) < 60:
        low, high = _t(logs)
        if (high - low) / 2 <= math.log(1.03):
            break
        logs += _pairs(draw, NOISES["normal"], 1)
    return logs


def _bootstrap(draw: random.Random, pairs: int) -> tuple[float, float]:
    logs = _pairs(draw, NOISES["normal"], pairs)
    means = sorted(fmean(draw.choices(logs, k=pairs)) for _ in range(_RESAMPLES))
    return means[round(0.025 * _RESAMPLES)], means[round(0.975 * _RESAMPLES) - 1]
