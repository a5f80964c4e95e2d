"""``syncline resume RUN``: the trials of a run that are missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import click
from rich.console import Console

from syncline.cli import capacity, files, tune
from syncline.cli.choices import BACKEND_URL
from syncline.cli.run import DEFAULT_OUT, Output, check_urls, put_out
from syncline.cli.stored import complete_run, open_existing, store_option
from syncline.errors import UsageError
from syncline.experiment import describe_environment, run_search
from syncline.experiment.environment import differences
from syncline.experiment.tools import real_tools
from syncline.judge import exit_code
from syncline.record import RunRecord
from syncline.report.live_run import RunDisplay
from syncline.search import Measured, Search, only
from syncline.sought import CAPACITY, TUNING, again
from syncline.trial import Experiment
from syncline.verify import DEFAULT, QUICK, proven

_ANSWERS: Mapping[str, Callable[[RunRecord, str | None], int]] = {
    CAPACITY: capacity.put_out,
    TUNING: tune.put_out,
}
_EFFORTS = {"no": None, "quick": QUICK, "full": DEFAULT}


@click.command(
    epilog="""\b
Examples:
  syncline resume
  syncline resume 20260102-030405-9f2c
  syncline resume latest --database-url postgresql://me:secret@db.example/test
"""
)
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=complete_run)
@click.option(
    *("--json", "json_file"), metavar="FILE", help="Write the run as JSON; - is standard output."
)
@click.option(
    "--out",
    metavar="DIR",
    default=DEFAULT_OUT,
    show_default=True,
    help="Where the Markdown report goes.",
)
@click.option(
    *("--database-url", "backend_urls"),
    type=BACKEND_URL,
    metavar="URL",
    multiple=True,
    help="The server that the run used; its password is not kept, so it is to be given again.",
)
@store_option
def resume(
    *,
    run: str,
    json_file: str | None,
    out: str,
    backend_urls: tuple[tuple[str, str], ...],
    store: str,
) -> None:
    """Run what is missing of RUN, as it was asked: after Ctrl-C, a crash, a kill or a full disk.

    What was measured is not measured again. Another machine or other versions are said, and
    kept with the run. Exit codes are those of the command that the run is of: 'syncline run',
    'syncline capacity' or 'syncline tune'.
    """
    if json_file is not None:
        files.check_writable(json_file, "--json")
    output = Output(json_file, files.make_directory(out, "--out"))
    with open_existing(store) as opened:
        record = opened.load_run(opened.find(run))
        urls = _urls(record, backend_urls)
        check_resumable(record)
        for line in changes(record):
            click.echo(line, err=True)
        with RunDisplay(Console(stderr=True)) as display:
            record = run_search(
                record.case,
                search_of(record),
                purpose=record.purpose,
                store=opened,
                observer=display,
                backend_urls=urls,
                resume=record,
                tools=real_tools(probe=record.settings.probe),
            )
    if sought := record.settings.sought:
        sys.exit(_ANSWERS[str(sought["kind"])](record, json_file))
    put_out(record, output)
    sys.exit(exit_code(record))


def check_resumable(record: RunRecord) -> None:
    """Refuses a run that has nothing to resume.

    Raises:
        UsageError: it is running or finished, or was ended before it had planned a trial.
    """
    if record.status == "running":
        raise UsageError(f"Run {record.id} is running; there is nothing to resume.")
    if record.status == "finished" and not record.missing:
        raise UsageError(f"Run {record.id} has all its trials; there is nothing to resume.")
    if not record.planned:
        raise UsageError(f"Run {record.id} was ended before its first trial; run it again.")


def search_of(record: RunRecord) -> Search[object]:
    """What the run asked for; whoever drives it leaves out what the run has already.

    The proof of fixes is told from the trials, so it goes on where it was, and so do searches
    for a capacity or a setting. Profiles are taken as far as they had been planned.

    Raises:
        PlanError: a newer version made the run.
    """
    if record.settings.sought:
        return again(record.case, record.settings.sought)
    return _swept(record)


def _swept(record: RunRecord) -> Search[None]:
    swept = tuple(trial for trial in record.planned if trial.phase == "sweep")
    others = tuple(
        trial for trial in record.planned if trial.phase not in ("sweep", "verification")
    )
    fresh = record.settings.fresh
    sweep = Experiment(record.case.name, record.purpose, swept, fresh=fresh)
    yield from proven(_first(sweep), _EFFORTS[record.settings.verify])
    if others:
        yield replace(sweep, trials=others, alone=True)


def _first(sweep: Experiment) -> Search[Measured]:
    return (yield from only(sweep)) if sweep.trials else ()


def changes(record: RunRecord) -> tuple[str, ...]:
    """What is not as it was, in lines for a person; empty if nothing is."""
    found = differences(record.environment, describe_environment())
    if not found:
        return ()
    return (
        "Not as it was when the run began, so its trials compare with care:",
        *(f"  {text}" for text in found),
    )


def _urls(record: RunRecord, given: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    urls = check_urls(record.case, given)
    for backend, shown in record.settings.servers.items():
        if backend not in urls:
            raise UsageError(
                f"Run {record.id} used your {backend} at {shown}; its password is not kept. "
                "Give --database-url again."
            )
    if extra := sorted(urls.keys() - record.settings.servers.keys()):
        raise UsageError(f"Run {record.id} used a {extra[0]} of Syncline's own; give no URL of it.")
    return urls
