"""``syncline runs``, ``show``, ``rm``: what a store keeps."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import click
from rich.console import Console

from syncline.archive import archive_json
from syncline.cli import files
from syncline.cli.stored import complete_run, load, open_existing, store_option, summaries
from syncline.errors import UsageError
from syncline.record import Status
from syncline.report.comparison import build_comparison
from syncline.report.markdown import render_markdown
from syncline.report.run_list import run_list, runs_json
from syncline.report.terminal import render_terminal

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command(
    epilog="""\b
Examples:
  syncline runs
  syncline runs --case users --status finished --since 7d
  syncline runs --json - --limit 1
"""
)
@click.option("--case", "case", metavar="NAME", help="Only runs of this case.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(get_args(Status)),
    multiple=True,
    help="Only runs with this status; may be repeated.",
)
@click.option(
    "--since", metavar="TIME", help="Only runs started since: 2h, 7d, 2026-01-31, or a UTC time."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@click.option(
    *("--json", "json_file"), metavar="FILE", help="Write the list as JSON; - is standard output."
)
@store_option
def runs(
    *,
    case: str | None,
    statuses: tuple[str, ...],
    since: str | None,
    limit: int | None,
    json_file: str | None,
    store: str,
) -> None:
    """List the runs that are kept, the newest first."""
    earliest = instant(since, datetime.now(UTC)) if since is not None else None
    found = [
        run
        for run in summaries(store)
        if (case is None or run.case == case)
        and (not statuses or run.status in statuses)
        and (earliest is None or _time(run.started) >= earliest)
    ][:limit]
    if json_file is not None:
        files.write_text(json_file, f"{json.dumps(runs_json(found), indent=2)}\n")
    elif found:
        render_terminal(run_list(found), Console())
    else:
        click.echo("No such run is kept here; 'syncline run' makes one.")


@click.command(
    epilog="""\b
Examples:
  syncline show
  syncline show latest~1
  syncline show 20260102 --markdown report.md
"""
)
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=complete_run)
@click.option(
    *("--json", "json_file"), metavar="FILE", help="Write the run as JSON; - is standard output."
)
@click.option(
    "--markdown", metavar="FILE", help="Write the report as Markdown; - is standard output."
)
@store_option
def show(*, run: str, json_file: str | None, markdown: str | None, store: str) -> None:
    """Show the report of RUN from the store; nothing is measured again.

    RUN is an id, the beginning of one, 'latest' (the default) or 'latest~1', the one before.
    """
    record = load(store, run)
    if json_file is not None:
        text = json.dumps(archive_json(record), indent=2, allow_nan=False)
        files.write_text(json_file, f"{text}\n")
    document = build_comparison(record)
    if markdown is not None:
        files.write_text(markdown, render_markdown(document))
    if json_file is None and markdown is None:
        render_terminal(document, Console())


@click.command(
    epilog="""\b
Examples:
  syncline rm 20260102-030405-9f2c
  syncline rm latest latest~1 --yes
"""
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def rm(*, runs: tuple[str, ...], yes: bool, store: str) -> None:
    """Remove runs, with all their trials, for good."""
    with open_existing(store) as opened:
        # All names first: after the first removal "latest" would be another run.
        ids = tuple(dict.fromkeys(opened.find(name) for name in runs))
        if not yes:
            known = {run.id: run for run in opened.runs()}
            for run_id in ids:
                one = known[run_id]
                click.echo(f"{one.id}  {one.case}  {one.started[:16]}  {one.done} trials", err=True)
            question = f"Remove {len(ids)} run{'s' if len(ids) > 1 else ''} for good?"
            click.confirm(question, abort=True, err=True)
        for run_id in ids:
            opened.delete_run(run_id)
            click.echo(f"Removed {run_id}.", err=True)


def instant(text: str, now: datetime) -> datetime:
    """The instant of ``2h``, ``7d`` (ago), ``2026-01-31``, or of an ISO 8601 time, UTC by default.

    Raises:
        UsageError: it is none of these.
    """
    if ago := _AGO.fullmatch(text.strip()):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        return _time(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is no time; write 2h, 7d or 2026-01-31T08:00.") from error


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
