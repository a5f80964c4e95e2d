"""Repeats as rounds: every trial once, and again, in an order that drift cannot favour.

A round runs all levels; within a level its trials stand side by side in time, so that each pair
meets nearly the same machine. The next round mirrors the order within every level: A B, then B A.
Over the two, whatever rises or falls evenly with time adds as much to A as to B and leaves their
mean log-ratio alone (counterbalancing, the ABBA design: D. C. Montgomery, Design and Analysis of
Experiments, on crossover designs). Each further pair of rounds starts from an order drawn by the
seed, so that nothing periodic can keep step with it. The first round has the order that was asked
for: who leads in it is the baseline.

Rounds stand outermost, and services are started afresh for each, since part of what differs
between two runs of a Python service is drawn once per process: hash seed, memory layout, which
worker got which connection. Repeats within one process would call that part a difference.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import groupby

from syncline.trial import Experiment, Trial


def repeated(experiment: Experiment, repeats: int, seed: int = 1) -> Experiment:
    """The experiment's trials in so many rounds.

    Args:
        experiment: one round, trials of one load next to each other.
        repeats: how many rounds, 1 or more.
        seed: draws the order. The requests of round r are drawn by ``seed + r``: alike within a
            pair of trials, others in each round.
    """
    if repeats == 1:
        return replace(experiment, trials=round_of(experiment.trials, 0, seed))
    trials = (trial for turn in range(repeats) for trial in round_of(experiment.trials, turn, seed))
    return replace(
        experiment,
        purpose=f"{experiment.purpose}, {repeats} rounds in mirrored order (seed {seed})",
        trials=tuple(trials),
        fresh=True,
    )


def round_of(trials: tuple[Trial, ...], turn: int, seed: int) -> tuple[Trial, ...]:
    """One round, counted from 0, of trials that stand level by level."""
    ordered: list[Trial] = []
    for place, (_, level) in enumerate(groupby(trials, key=lambda trial: trial.load)):
        row = list(level)
        if turn >= 2:
            random.Random(f"{seed}/{turn // 2}/{place}").shuffle(row)
        ordered += reversed(row) if turn % 2 else row
    return tuple(replace(trial, repeat=turn, seed=seed + turn) for trial in ordered)
