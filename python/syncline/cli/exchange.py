"""``syncline export`` and ``import``: runs as files, for other programs and other stores."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from syncline.archive import archive_json, read_archive
from syncline.cli import files
from syncline.cli.otlp import check_endpoint, send
from syncline.cli.stored import complete_run, load, store_option
from syncline.errors import EnvironmentLackError, UsageError
from syncline.record import RunRecord
from syncline.report.hdr import run_hlog
from syncline.report.openmetrics import openmetrics
from syncline.report.otlp import otlp_metrics
from syncline.report.trial_rows import trial_rows, trials_csv
from syncline.store import Store

LARGEST_IMPORT_BYTES = 512 * 1024 * 1024


def _json(record: RunRecord) -> str:
    return json.dumps(archive_json(record), indent=2, allow_nan=False) + "\n"


def _otlp(record: RunRecord) -> str:
    return json.dumps(otlp_metrics(record), indent=2, allow_nan=False) + "\n"


TEXTS: Mapping[str, Callable[[RunRecord], str]] = {
    "json": _json,
    "csv": trials_csv,
    "hlog": run_hlog,
    "openmetrics": lambda record: openmetrics(record.trials),
    "otlp": _otlp,
}


@click.command(
    epilog="""\b
Examples:
  syncline export latest --format json --out run.json
  syncline export latest --format csv
  syncline export 20260102 --format hlog --out run.hlog
  syncline export latest --otlp http://127.0.0.1:4318
"""
)
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=complete_run)
@click.option(
    *("-f", "--format", "kind"),
    type=click.Choice([*TEXTS, "parquet"]),
    default="json",
    show_default=True,
    help="json holds everything and can be imported; csv and parquet a row for each trial; hlog "
    "the histograms over time; openmetrics and otlp what was observed over time.",
)
@click.option(
    *("-o", "--out"), metavar="FILE", default="-", help="Where to; standard output otherwise."
)
@click.option(
    *("--otlp", "otlp_url"),
    metavar="URL",
    help="Send what was observed to this OpenTelemetry collector (OTLP over HTTP) instead.",
)
@store_option
def export(*, run: str, kind: str, out: str, otlp_url: str | None, store: str) -> None:
    """Write RUN as a file for another program or another store, or send it to a collector."""
    if otlp_url is not None:
        send(load(store, run), check_endpoint(otlp_url))
        return
    record = load(store, run)
    if kind == "parquet":
        _write_parquet(record, out)
    else:
        files.write_text(out, TEXTS[kind](record))


@click.command(
    "import",
    epilog="""\b
Examples:
  syncline import run.json
  ssh ci cat run.json | syncline import -
""",
)
@click.argument("file", metavar="FILE")
@store_option
def import_(*, file: str, store: str) -> None:
    """Take a run into the store from FILE, which 'syncline export --format json' wrote.

    A file that was cut short or changed is refused, and so is a run that is there already.
    """
    record = read_archive(_read(file), file)
    with Store.open(store) as opened:
        opened.import_run(record)
    click.echo(f"Imported {record.id}: {record.case.name}, {len(record.trials)} trials.", err=True)


def _read(name: str) -> str:
    try:
        if name == files.STDOUT:
            data = sys.stdin.buffer.read(LARGEST_IMPORT_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(LARGEST_IMPORT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST_IMPORT_BYTES:
        raise UsageError(f"{name} is longer than {LARGEST_IMPORT_BYTES} bytes; it is not read.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text in UTF-8.") from error


def _write_parquet(record: RunRecord, out: str) -> None:
    if out == files.STDOUT:
        raise UsageError("Parquet is no text; name a file with --out.")
    files.check_writable(out, "--out")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise EnvironmentLackError(
            "Parquet needs pyarrow: pip install 'syncline[parquet]'."
        ) from error
    rows = [dict(row) for row in trial_rows(record)]
    if not rows:
        raise UsageError(f"Run {record.id} has no trials yet; there is nothing to write.")
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    files.write_bytes(out, sink.getvalue().to_pybytes())
