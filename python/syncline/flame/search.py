"""Profiles after a search: at a rate that each variant it measured can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from syncline.outcome import Outcome
from syncline.plan import constant_rate
from syncline.search import Measured, Search
from syncline.trial import Experiment, Trial

T = TypeVar("T")
_OF_THE_SLOWEST = 0.5
_DURATION_S, _WARMUP_S = 8.0, 1.0


def profiled(search: Search[T], abouts: Sequence[str]) -> Search[T]:
    """The search, and after it these profiles of each variant of its sweep."""
    measured: list[tuple[Trial, Outcome]] = []
    answer: Measured | None = None
    while True:
        try:
            wanted = next(search) if answer is None else search.send(answer)
        except StopIteration as end:
            result: T = end.value
            break
        answer = yield wanted
        measured += answer
    swept = tuple(pair for pair in measured if pair[0].phase == "sweep")
    if profiles := after(swept, abouts):
        yield profiles
    return result


def after(swept: Measured, abouts: Sequence[str]) -> Experiment | None:
    """The profiling trials, at half the rate that the slowest variant was seen to bear.

    None if some variant answered nothing well, so that there is no rate that all can hold.
    """
    best: dict[str, float] = {}
    trials: dict[str, Trial] = {}
    for trial, outcome in swept:
        name = trial.variant.name
        trials.setdefault(name, trial)
        rate = outcome.result.throughput_rps if outcome.result else 0.0
        best[name] = max(best.get(name, 0.0), rate)
    if not abouts or not best or min(best.values()) <= 0:
        return None
    rate_rps = max(1.0, float(f"{_OF_THE_SLOWEST * min(best.values()):.2g}"))
    wanted = tuple(
        Trial(
            case=first.case,
            variant=first.variant,
            load=replace(
                first.load,
                connections=max(32, first.load.connections),
                schedule=constant_rate(rate_rps),
                duration_s=_DURATION_S,
                warmup_s=_WARMUP_S,
            ),
            seed=first.seed,
            phase="profile",
            about=about,
        )
        for about in abouts
        for first in trials.values()
    )
    return Experiment(wanted[0].case, f"profile {', '.join(trials)}: {', '.join(abouts)}", wanted)
