"""How often, in what order and for how long: the options that lay a run's trials out."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import click

from syncline.cli.parameters import DURATION, Parsed
from syncline.design import (
    repeated,
    selected,
    shortfalls,
    time_s,
    trial_name,
    until_precise,
    within_budget,
)
from syncline.errors import UsageError
from syncline.report import units
from syncline.search import Measured, Search, only
from syncline.stats.words import percent
from syncline.trial import Experiment

DEFAULT_BUDGET_S = 600.0
_MOST_REPEATS = 1000
F = TypeVar("F", bound=Callable[..., Any])


def precision(text: str) -> float:
    """The share of ``5%`` or ``0.05``.

    Raises:
        UsageError: it is none between 0.1 and 50 %.
    """
    number = text.strip()
    try:
        share = float(number.removesuffix("%").strip()) / (100 if number.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0.001 <= share <= 0.5:
        raise UsageError(f"{text!r} is no precision; write a share from 0.1% to 50%, such as 5%.")
    return share


@dataclass(frozen=True, slots=True)
class Design:
    """What was asked of a run's layout.

    Attributes:
        repeat: rounds; None leaves them to the budget or the precision, or is one.
        seed: draws the order of later rounds, and the requests of each.
        budget_s: what the comparison may take.
        precision: the half-width that each interval is to have, as a share.
        include, exclude: patterns of trials' names.
        dry_run: show what would be run, and run nothing.
        pin: bind generator, service and database to cores of their own where there are enough.
    """

    repeat: int | None = None
    seed: int = 1
    budget_s: float | None = None
    precision: float | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    dry_run: bool = False
    pin: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """A run as it is laid out.

    Attributes:
        first: the trials that are known beforehand: all of them, or with a precision one round.
        search: what runs them.
        words: what is to be told before the start, a sentence each.
    """

    first: Experiment
    search: Search[Measured]
    words: tuple[str, ...]


def design_options(function: F) -> F:
    """Adds the options, and hands them over as one ``design``."""
    options = (
        click.option(
            "--repeat",
            type=click.IntRange(1, _MOST_REPEATS),
            metavar="N",
            help="Run every trial N times, in rounds of mirrored order with fresh services: then "
            "ratios carry intervals and verdicts.",
        ),
        click.option(
            "--budget",
            "budget_s",
            type=DURATION,
            metavar="TIME",
            help="Choose rounds and durations for the narrowest intervals in that time: 3m.",
        ),
        click.option(
            "--precision",
            type=Parsed("share", precision),
            metavar="SHARE",
            help="Add rounds until each ratio is known that well, such as 5%, within --budget "
            "(10 minutes).",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0),
            default=1,
            show_default=True,
            help="Draws the order of rounds and the requests.",
        ),
        click.option(
            "--include",
            metavar="PATTERN",
            multiple=True,
            help="Only trials whose name fits: 'async*', 48, 'sync/read/*'; may be repeated.",
        ),
        click.option(
            "--exclude",
            metavar="PATTERN",
            multiple=True,
            help="No trials whose name fits; may be repeated.",
        ),
        click.option("--dry-run", is_flag=True, help="Show the trials and the time; run nothing."),
        click.option(
            "--pin/--no-pin",
            default=True,
            help="Bind generator, service and database to cores of their own where there are "
            "four or more.",
        ),
    )

    @functools.wraps(function)
    def gathered(**given: Any) -> Any:
        mine = {one.name: given.pop(one.name) for one in fields(Design)}
        return function(design=Design(**mine), **given)

    decorated: Any = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def lay_out(one_round: Experiment, design: Design, *, backends: int, durations: bool) -> Layout:
    """The trials that were asked for, as they are to be run.

    Args:
        backends: how many back ends are started.
        durations: whether a duration was given, which a budget would change.

    Raises:
        UsageError: options that exclude each other, or cannot be met.
    """
    one_round = selected(one_round, design.include, design.exclude)
    if design.repeat is not None and (design.budget_s or design.precision):
        other = "--precision" if design.precision else "--budget"
        raise UsageError(f"--repeat fixes what {other} chooses, the number of rounds; give one.")
    if design.precision is not None:
        return _to_precision(one_round, design, design.precision, backends)
    if design.budget_s is not None:
        if durations:
            raise UsageError("--duration fixes what --budget chooses; give one.")
        plan = within_budget(one_round, design.budget_s, seed=design.seed, backends=backends)
        words = (
            f"Within {units.clock(design.budget_s)}: {units.plural(plan.rounds, 'round')} of "
            f"{units.plural(len(one_round.trials), 'trial')}, {units.span(plan.duration_s)} each, "
            f"about {units.clock(plan.time_s)} in all.",
        )
        return Layout(plan.experiment, only(plan.experiment), words)
    experiment = repeated(one_round, design.repeat or 1, design.seed)
    return Layout(experiment, only(experiment), ())


def _to_precision(one_round: Experiment, design: Design, wanted: float, backends: int) -> Layout:
    if len({trial.variant.name for trial in one_round.trials}) < 2:
        raise UsageError("--precision is of the ratio of variants; there is one only. Name two.")
    budget_s = design.budget_s or DEFAULT_BUDGET_S
    round_s = time_s(one_round.trials, fresh=True)
    words = (
        f"Rounds of {units.plural(len(one_round.trials), 'trial')}, about {units.clock(round_s)} "
        f"each, until every ratio is known to ± {percent(wanted)}: at most "
        f"{units.clock(budget_s)}.",
    )
    search = until_precise(one_round, wanted, budget_s, seed=design.seed, backends=backends)
    return Layout(repeated(one_round, 1, design.seed), search, words)


def dry_run_lines(layout: Layout, backends: int) -> tuple[str, ...]:
    """The trials by name, in order, a line each, and the time that they take."""
    trials = layout.first.trials
    took_s = time_s(trials, fresh=layout.first.fresh, backends=backends)
    return (
        *(
            f"{number:>4}  {trial_name(trial)}  {units.span(trial.load.duration_s)}"
            + (f"  round {trial.repeat + 1}" if layout.first.fresh else "")
            for number, trial in enumerate(trials, 1)
        ),
        *layout.words,
        f"{units.plural(len(trials), 'trial')}, about {units.clock(took_s)}; nothing was run.",
    )


def precision_words(measured: Measured, wanted: float | None) -> tuple[str, ...]:
    """What is not known as well as was asked, and what it would take; a sentence each."""
    if wanted is None:
        return ()
    sentences = []
    for one in shortfalls(measured, wanted):
        where = f"{one.candidate} at {units.plural(one.cell.connections, 'connection')}"
        half = one.ratio.half_width if one.ratio else None
        if one.ratio is None or half is None:
            sentences.append(f"{where} has no ratio that could be made precise.")
            continue
        need = f"; ± {percent(wanted)} would take about {one.rounds_needed}"
        sentences.append(
            f"{where} is known to ± {percent(half)} after "
            f"{units.plural(one.ratio.pairs, 'round')}{need}."
        )
    return tuple(sentences)
