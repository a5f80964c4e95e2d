"""Rounds until every comparison is as narrow as was asked, or until time is up.

The rule looks at the width of the intervals only, never at where they lie: to stop once a
difference shows would find one sooner or later in pure noise. Even so it stops a little early, when
the scatter happens to look small: intervals of fixed width hold the truth in 95 of 100 cases only
in the limit of many rounds (Y. S. Chow, H. Robbins, On the asymptotic theory of fixed-width
sequential confidence intervals, Ann. Math. Stat. 36, 1965). Hence six rounds before the first
look; ``make bench-stats`` counts what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from syncline.design.estimate import time_s
from syncline.design.rounds import round_of
from syncline.record import Metric
from syncline.search import Measured, Search
from syncline.stats.compare import Cell, cells, log_ratios
from syncline.stats.ratio import Ratio, paired_ratio
from syncline.trial import Experiment, Trial

FIRST_LOOK = 6
MOST_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A comparison that is not as narrow as was asked.

    Attributes:
        cell, candidate: whose, against the baseline.
        ratio: what is known of it; None if no pair of trials has a figure.
        rounds_needed: about how many rounds it would take in all; None if that is not known.
    """

    cell: Cell
    candidate: str
    ratio: Ratio | None
    rounds_needed: int | None


def until_precise(
    one_round: Experiment, precision: float, budget_s: float, *, seed: int = 1, backends: int = 0
) -> Search[Measured]:
    """Runs round after round; from the seventh on only what is not yet precise.

    Args:
        one_round: the trials, in order; the first one's variant is the baseline.
        precision: the half-width of each interval, as a share: 0.05 is ± 5 %.
        budget_s: no round is begun that would end later than this, as far as can be foreseen.

    Returns:
        all that was measured; :func:`shortfalls` says what is still too wide.
    """
    baseline = one_round.trials[0].variant.name
    wanted = one_round.trials
    measured: Measured = ()
    spent_s = 0.0
    for turn in range(MOST_ROUNDS):
        trials = round_of(wanted, turn, seed)
        this_s = time_s(trials, backends=0 if turn else backends)
        if turn >= 2 and spent_s + this_s > budget_s:
            break
        spent_s += this_s
        purpose = f"{one_round.purpose}, round {turn + 1} (seed {seed})"
        measured += yield replace(one_round, purpose=purpose, trials=trials, fresh=True)
        if turn + 1 < FIRST_LOOK:
            continue
        wide = [one for one in shortfalls(measured, precision, baseline) if one.ratio is not None]
        if not wide:
            break
        wanted = _of(one_round.trials, wide, baseline)
    return measured


def shortfalls(
    measured: Measured, precision: float, baseline: str | None = None
) -> tuple[Shortfall, ...]:
    """The comparisons whose intervals are wider than ± ``precision``, or have none.

    Of throughput; in open loop, where the rate is given, of the median response time.
    """
    if not measured:
        return ()
    base = baseline or measured[0][0].variant.name
    found = []
    for cell, variants in cells(measured).items():
        for name in variants if base in variants else ():
            if name == base:
                continue
            metric: Metric = "throughput_rps" if cell.schedule.kind == "closed" else "p50_us"
            ratio = paired_ratio(log_ratios(variants[base], variants[name], metric))
            half = ratio.half_width if ratio else None
            if half is None or half > precision:
                found.append(Shortfall(cell, name, ratio, _needed(ratio, half, precision)))
    return tuple(found)


def _needed(ratio: Ratio | None, half: float | None, precision: float) -> int | None:
    if ratio is None or half is None or not math.isfinite(half):
        return None
    return math.ceil(ratio.pairs * (half / precision) ** 2)


def _of(trials: tuple[Trial, ...], wide: Sequence[Shortfall], baseline: str) -> tuple[Trial, ...]:
    names: dict[Cell, set[str]] = {}
    for one in wide:
        names.setdefault(one.cell, {baseline}).add(one.candidate)
    return tuple(
        trial for trial in trials if trial.variant.name in names.get(Cell.of(trial.load), ())
    )
