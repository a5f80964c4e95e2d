"""The rounds and durations that give the narrowest intervals within a given time.

Two parts make the scatter of a log-ratio: what differs between rounds however long each trial is,
and what wavers within a trial, which falls with its measured time. So an interval's half-width
after R rounds of m measured seconds is t(R - 1) · √(2 (between² + within² / m) / R). Long trials
waste time on the first part, many rounds on starts and warm-ups; t itself makes two or three
rounds poor. The least of it over all R that fit is chosen (the allocation of T. Kalibera and R.
Jones, Rigorous benchmarking in reasonable time, ISMM 2013, with the customary figures below in
place of a pilot run).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from syncline.design.estimate import time_s
from syncline.design.rounds import repeated
from syncline.errors import UsageError
from syncline.stats.student import t_quantile
from syncline.trial import Experiment, with_duration

# Relative standard deviations, as found on services that ship with Syncline: between rounds, and
# of one second within a trial. Only their ratio decides the choice.
BETWEEN = 0.02
WITHIN = 0.04
MOST_ROUNDS = 40
LEAST_ROUNDS = 2
LEAST_MEASURED_S = 1.0
MOST_MEASURED_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a budget is spent on.

    Attributes:
        experiment: the trials, all rounds.
        rounds: how many.
        duration_s: of each load, warm-up included, on the mean.
        time_s: what all of it is expected to take.
    """

    experiment: Experiment
    rounds: int
    duration_s: float
    time_s: float


def within_budget(
    one_round: Experiment, budget_s: float, *, seed: int = 1, backends: int = 0
) -> Plan:
    """The best rounds and durations within the time, shorter or longer than was asked for.

    The loads keep their proportions, and each its share of warm-up.

    Raises:
        UsageError: not even two rounds of the shortest useful trials fit.
    """
    plans = [
        (_half_width(plan), plan)
        for rounds in range(LEAST_ROUNDS, MOST_ROUNDS + 1)
        if (plan := _stretched(one_round, rounds, budget_s, seed, backends)) is not None
    ]
    if not plans:
        least_s = _least_s(one_round, seed, backends)
        raise UsageError(
            f"--budget {budget_s:g}s is too short: two rounds of {len(one_round.trials)} trials "
            f"take at least {math.ceil(least_s)} s. Give more, or fewer variants or levels."
        )
    return min(plans, key=lambda found: (round(found[0], 6), found[1].rounds))[1]


def _stretched(
    one_round: Experiment, rounds: int, budget_s: float, seed: int, backends: int
) -> Plan | None:
    """So many rounds, each load as long as the budget lets it be; None if that is too short."""
    asked = repeated(one_round, rounds, seed)
    loads_s = sum(trial.load.duration_s for trial in asked.trials)
    beside_s = time_s(asked.trials, fresh=True, backends=backends) - loads_s
    factor = (budget_s - beside_s) / loads_s
    factor = min(factor, MOST_MEASURED_S / max(_measured(asked)))
    if factor <= 0 or factor * min(_measured(asked)) < LEAST_MEASURED_S:
        return None
    trials = tuple(
        replace(trial, load=with_duration(trial.load, _floor(factor * trial.load.duration_s)))
        for trial in asked.trials
    )
    experiment = replace(asked, trials=trials)
    mean_s = sum(trial.load.duration_s for trial in trials) / len(trials)
    return Plan(
        experiment, rounds, mean_s, time_s(experiment.trials, fresh=True, backends=backends)
    )


def _least_s(one_round: Experiment, seed: int, backends: int) -> float:
    asked = repeated(one_round, LEAST_ROUNDS, seed)
    loads_s = sum(trial.load.duration_s for trial in asked.trials)
    beside_s = time_s(asked.trials, fresh=True, backends=backends) - loads_s
    # A twentieth for the rounding of durations.
    return beside_s + 1.05 * loads_s * LEAST_MEASURED_S / min(_measured(asked))


def _measured(experiment: Experiment) -> list[float]:
    return [trial.load.duration_s - trial.load.warmup_s for trial in experiment.trials]


def _half_width(plan: Plan) -> float:
    measured_s = sum(_measured(plan.experiment)) / len(plan.experiment.trials)
    spread = math.sqrt(2 * (BETWEEN**2 + WITHIN**2 / measured_s) / plan.rounds)
    return t_quantile(0.975, plan.rounds - 1) * spread


def _floor(duration_s: float) -> float:
    return math.floor(duration_s * 20) / 20
