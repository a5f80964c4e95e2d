"""``syncline tune CASE``: the setting that serves best, without an edit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import click
from rich.console import Console

from syncline.cli import files
from syncline.cli.parameters import DURATION, Parsed
from syncline.cli.seam import INTERRUPTED
from syncline.cli.searching import Chosen, search_options, show_answer
from syncline.cli.what_ifs import EPILOG as WHAT_IFS
from syncline.cli.what_ifs import with_what_ifs
from syncline.codec import to_json
from syncline.errors import UsageError
from syncline.experiment import run_search
from syncline.experiment.tools import real_tools
from syncline.objective import Bound, parse_objectives
from syncline.plan import ClosedLoop
from syncline.record import RunRecord
from syncline.report import units
from syncline.report.live_run import RunDisplay
from syncline.report.tune import build_tune
from syncline.sought import of_tuning, tuning_asked
from syncline.store import Store
from syncline.trial import with_duration
from syncline.tune import Asked, Settings, said, settings_of, shortest_s, standings, tune_search

SCHEMA = 1
_TRIAL_S, _QUICK_S, _WARMUP = 3.0, 1.5, 0.2


def objective(text: str) -> tuple[Bound, ...]:
    """The bounds of ``p99<50ms,errors<1%``.

    Raises:
        UsageError: it cannot be read, or is no plain bound.
    """
    bounds = parse_objectives(text)
    for one in bounds:
        if not isinstance(one, Bound) or one.scope != type(one.scope)():
            raise UsageError(
                f"{text!r}: a setting is held against plain bounds, such as 'p99<50ms,errors<1%'."
            )
    return tuple(one for one in bounds if isinstance(one, Bound))


@click.command(
    epilog=f"""\b
Examples:
  syncline tune users --variant sync --over pool_size=5,10,20,tokens=20,40
  syncline tune users --variant async --over workers=1,2 --objective 'p99<200ms' -c 48
  syncline tune shop.main:app --path /books --over server=uvicorn,granian --budget 3m

{WHAT_IFS}"""
)
@search_options
@click.option(
    "--over",
    type=Parsed("settings", settings_of),
    required=True,
    metavar="LIST",
    help="What-ifs with the values to try, in all combinations: pool_size=5,10,tokens=20,40.",
)
@click.option(
    "--objective",
    "bounds",
    type=Parsed("objective", objective),
    default=None,
    metavar="TEXT",
    help="What a setting has to meet to be chosen, such as 'p99<50ms,errors<1%'. Among those that "
    "do, throughput decides.",
)
@click.option(
    *("-c", "--connections"),
    type=click.IntRange(1, 1_000_000),
    help="The level at which settings are tried; the case's heaviest up to 64 otherwise.",
)
@click.option(
    *("-d", "--duration"),
    type=DURATION,
    help="How long each trial lasts: 3 s, or 1.5 s with --quick.",
)
def tune(
    *,
    chosen: Callable[[], Chosen],
    over: tuple[Settings, ...],
    bounds: tuple[Bound, ...] | None,
    connections: int | None,
    duration: float | None,
) -> None:
    """Find the setting with which CASE, or your own service, answers most.

    Settings are imposed as what-ifs; the code stays as it is. Each gets a round of trials, the
    better half twice as many, until a few are left for the final, always with the service as it
    is among them. Each trial starts its service afresh. What cannot be told apart is said so.

    Exits with 0 if there is a setting to recommend, the present one included; 1 if each broke or
    missed the objective; 3 if nothing could be measured.
    """
    asked_of = chosen()
    if len(asked_of.names) > 1 and asked_of.case.default_variants == asked_of.names:
        asked_of = replace(asked_of, names=asked_of.names[:1])
    if len(asked_of.names) > 1:
        raise UsageError("Settings are sought for one variant at a time; give one --variant.")
    case, _ = with_what_ifs(asked_of.case, asked_of.names, over, own_servers=asked_of.urls)
    duration_s = duration or (_QUICK_S if asked_of.quick else _TRIAL_S)
    load = replace(
        with_duration(asked_of.load, duration_s),
        connections=connections or asked_of.load.connections,
        schedule=ClosedLoop(),
        warmup_s=round(_WARMUP * duration_s, 2),
    )
    asked = Asked(asked_of.names[0], over, load, bounds or ())
    needed_s = shortest_s(asked)
    if asked_of.budget_s is not None and asked_of.budget_s < needed_s:
        raise UsageError(
            f"--budget {units.clock(asked_of.budget_s)} is too short for "
            f"{units.plural(len(over), 'setting')}: it takes {units.clock(needed_s)} at least."
        )
    asked = replace(
        asked, budget_s=asked_of.budget_s or (1.0 if asked_of.quick else 1.5) * needed_s
    )
    if asked_of.json is not None:
        files.check_writable(asked_of.json, "--json")
    with Store.open(asked_of.store) as store, RunDisplay(Console(stderr=True)) as display:
        record = run_search(
            case,
            tune_search(case, asked),
            purpose=f"the best of {units.plural(len(over), 'setting')} for {asked.variant}",
            store=store,
            observer=display,
            backend_urls=asked_of.urls,
            command_line=("syncline", *sys.argv[1:]),
            settings=asked_of.settings(of_tuning(asked)),
            tools=real_tools(database=bool(set(case.backends) - set(asked_of.urls))),
        )
    sys.exit(put_out(record, asked_of.json))


def put_out(record: RunRecord, json_file: str | None) -> int:
    """Shows what a run found, and writes it; the exit code."""
    asked = tuning_asked(record.settings.sought)
    connections = asked.load.connections
    found = standings(record.trials, asked.bounds)
    data = {
        "schema": SCHEMA,
        "run": record.id,
        "case": record.case.name,
        "variant": asked.variant,
        "status": record.status,
        "connections": connections,
        "sentence": said(found),
        "settings": to_json(found),
    }
    show_answer(record, build_tune(found, asked.variant, connections), data, json_file)
    if record.status == "interrupted":
        return INTERRUPTED
    if any(one.tied for one in found):
        return 0
    return 1 if any(one.misses for one in found) else 3
