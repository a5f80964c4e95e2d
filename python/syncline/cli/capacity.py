"""``syncline capacity CASE``: the highest rate that still meets an objective."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal

import click
from rich.console import Console

from syncline.capacity import (
    LEVELS,
    QUICK_LEVELS,
    Asked,
    Capacity,
    Effort,
    capacities,
    capacity_search,
    checked,
    sentence,
    shortest_s,
    words,
)
from syncline.cli import choices, files
from syncline.cli.on import Where, on_options, sender
from syncline.cli.parameters import Parsed
from syncline.cli.seam import INTERRUPTED
from syncline.cli.searching import Chosen, search_options, show_answer
from syncline.codec import to_json
from syncline.errors import UsageError
from syncline.experiment import run_search
from syncline.experiment.tools import real_tools
from syncline.objective import Bound, parse_objectives
from syncline.record import RunRecord
from syncline.report import units
from syncline.report.capacity import build_capacity
from syncline.report.live_run import RunDisplay
from syncline.sought import of_capacity
from syncline.store import Store

SCHEMA = 1
# For each variant, unless --budget says otherwise.
_BUDGET_S, _QUICK_BUDGET_S = 90.0, 40.0


def objective(text: str) -> tuple[Bound, ...]:
    """The bounds of ``p99<50ms,errors<1%``.

    Raises:
        UsageError: it cannot be read, or be held against a rate.
    """
    return checked(parse_objectives(text))


@click.command(
    epilog="""\b
Examples:
  syncline capacity users --objective 'p99<50ms,errors<1%'
  syncline capacity users --objective 'p95<100ms' --variant async --budget 2m
  syncline capacity shop.main:app --path /books --objective 'p99<200ms' --quick
  syncline capacity entities --objective 'p99.9<20ms' --json capacity.json
"""
)
@search_options
@on_options
@click.option(
    "--objective",
    "bounds",
    type=Parsed("objective", objective),
    default="p99<100ms,errors<1%",
    show_default=True,
    metavar="TEXT",
    help="What a rate has to meet: bounds of latency, errors and timeouts.",
)
@click.option(
    "--levels",
    type=choices.LEVELS,
    metavar="LIST",
    help="Connections of the closed loop that comes first. [default: "
    f"{','.join(map(str, LEVELS))}; with --quick {','.join(map(str, QUICK_LEVELS))}]",
)
@click.option(
    *("-c", "--connections"),
    type=click.IntRange(1, 1_000_000),
    help="Connections of the steps; by default 64 or more, so that the rate does not wait for one.",
)
@click.option(
    "--arrivals",
    type=click.Choice(["uniform", "poisson"]),
    default="uniform",
    show_default=True,
    help="Requests at even distances, or at random ones as from many independent users.",
)
def capacity(
    *,
    chosen: Callable[[], Chosen],
    where: Where,
    bounds: tuple[Bound, ...],
    levels: tuple[int, ...] | None,
    connections: int | None,
    arrivals: Literal["uniform", "poisson"],
) -> None:
    """Find the highest constant rate at which CASE, or your own service, meets an objective.

    First a closed loop over a few levels: what the service gives at most, and how it scales. Then
    steps in open loop, each in a window of its own, by a bisection that stands noise. A step is
    met if every bound holds and the service keeps up with the schedule; response time runs from
    the planned instants.

    Exits with 0 if there is an answer for each variant; 1 if one meets the objective at no rate
    that was tried; 3 if it could not be measured.
    """
    asked_of = chosen()
    asked = Asked(
        variants=asked_of.names,
        load=asked_of.load,
        bounds=bounds,
        levels=tuple(sorted(levels or (QUICK_LEVELS if asked_of.quick else LEVELS))),
        connections=connections,
        arrivals=arrivals,
    )
    effort = _effort(asked_of, asked)
    if asked_of.json is not None:
        files.check_writable(asked_of.json, "--json")
    with (
        sender(where, 1, fewer=True) as send,
        Store.open(asked_of.store) as store,
        RunDisplay(Console(stderr=True)) as display,
    ):
        record = run_search(
            asked_of.case,
            capacity_search(asked_of.case, asked, effort),
            purpose=f"the highest rate at which {', '.join(asked.variants)} meets {words(bounds)}",
            store=store,
            observer=display,
            backend_urls=asked_of.urls,
            command_line=("syncline", *sys.argv[1:]),
            settings=asked_of.settings(of_capacity(asked, effort)),
            tools=real_tools(
                database=bool(set(asked_of.case.backends) - set(asked_of.urls)), send=send
            ),
        )
    sys.exit(put_out(record, asked_of.json))


def put_out(record: RunRecord, json_file: str | None) -> int:
    """Shows what a run found, and writes it; the exit code."""
    found = capacities(record.trials)
    show_answer(record, build_capacity(found), capacity_json(record, found), json_file)
    return INTERRUPTED if record.status == "interrupted" else exit_code(found)


def capacity_json(record: RunRecord, found: tuple[Capacity, ...]) -> dict[str, object]:
    """The answer as JSON data; the trials themselves are the run's."""
    return {
        "schema": SCHEMA,
        "run": record.id,
        "case": record.case.name,
        "status": record.status,
        "started": record.started,
        "environment": to_json(record.environment),
        "sentence": sentence(found) if found else None,
        "capacities": to_json(found),
    }


def exit_code(found: tuple[Capacity, ...]) -> int:
    """0 with an answer for each variant, 1 if one meets it nowhere, 3 if one is not known."""
    if not found:
        return 3
    without = [one for one in found if one.rate_rps is None]
    unknown = [one for one in without if all(s.verdict == "unknown" for s in one.steps)]
    return 3 if unknown else int(bool(without))


def _effort(chosen: Chosen, asked: Asked) -> Effort:
    usual_s = (_QUICK_BUDGET_S if chosen.quick else _BUDGET_S) * len(asked.variants)
    budget_s = chosen.budget_s or usual_s
    effort = Effort(budget_s)
    if chosen.quick:
        effort = Effort(budget_s, step_s=1.6, warmup_s=0.4, precision=0.1)
    needed_s = shortest_s(len(asked.variants), len(asked.levels), effort)
    if budget_s < needed_s:
        raise UsageError(
            f"--budget {units.clock(budget_s)} is too short for "
            f"{units.plural(len(asked.variants), 'variant')}: it takes {units.clock(needed_s)} at "
            f"least{'' if chosen.quick else ', less with --quick'}."
        )
    return effort
