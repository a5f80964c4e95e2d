"""``syncline check`` and ``baseline``: a run against objectives and earlier figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from syncline.archive import read_archive
from syncline.baseline import Baseline, baseline_of, read_baseline, write_baseline
from syncline.cli import files
from syncline.cli.committed import committed_text
from syncline.cli.own import read_file
from syncline.cli.stored import complete_run, is_there, load, store_option
from syncline.errors import UsageError
from syncline.gate import check as judge
from syncline.gate import exit_code
from syncline.objective import Objective, parse_objectives
from syncline.report.gate_report import build_gate, junit
from syncline.report.markdown import render_markdown
from syncline.report.terminal import render_terminal
from syncline.store import Store

CONFIG_FILE = "syncline.toml"
BASELINE_FILE = "syncline-baseline.json"
LARGEST_BYTES = 512 * 1024 * 1024
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


def _objectives(
    _ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]
) -> tuple[Objective, ...]:
    """Those that are typed; else those of the config file in this folder."""
    if not texts and Path(CONFIG_FILE).is_file():
        texts = read_file(Path(CONFIG_FILE))[0].objectives
    if not texts:
        raise UsageError(
            "There is nothing to hold the run against: give --objective 'p99 < 50ms', or have "
            f"objectives in {CONFIG_FILE}."
        )
    return tuple(one for text in texts for one in parse_objectives(text))


@click.command(
    epilog="""\b
Examples:
  syncline check --objective 'p99 < 50ms at 48 connections, errors < 0.1%'
  syncline check --baseline latest~1 --objective 'throughput not more than 5 % below baseline'
  syncline check --baseline main --objective 'p99 not more than 10 % above baseline' --junit out.xml
  syncline check --run 20260102 --objective 'no finding of severity error for async'
"""
)
@click.option(
    "--objective",
    "objectives",
    metavar="TEXT",
    multiple=True,
    callback=_objectives,
    help="What the run must hold; several apart by commas, or the option again. Those of "
    f"{CONFIG_FILE} otherwise.",
)
@click.option(
    "--baseline",
    metavar="RUN|FILE|REF",
    help="What 'baseline' means: a run, a file of 'syncline baseline' or 'export', or a commit of "
    f"this repository that holds {BASELINE_FILE} (REF:PATH for another file).",
)
@click.option(
    "--run",
    "run",
    metavar="RUN",
    default="latest",
    show_default=True,
    shell_complete=complete_run,
    help="The run to judge.",
)
@click.option(
    "--strict", is_flag=True, help="What the noise leaves undecided is not good enough: 3."
)
@click.option("--junit", "junit_file", metavar="FILE", help="Write JUnit XML for a CI server.")
@click.option(
    "--summary",
    metavar="FILE",
    envvar=SUMMARY_VARIABLE,
    show_envvar=True,
    help="Append the table as Markdown; GitHub Actions shows such a file.",
)
@store_option
def check(
    *,
    objectives: tuple[Objective, ...],
    baseline: str | None,
    run: str,
    strict: bool,
    junit_file: str | None,
    summary: str | None,
    store: str,
) -> None:
    """Hold a run against objectives, for a gate in CI.

    An objective is a bound ('p99 < 50ms', 'errors < 0.1%', 'throughput > 500 req/s'), a drift
    ('throughput not more than 5 % below baseline') or an absence ('no finding of severity error'),
    for all cells or 'for VARIANT', 'under LOAD', 'at 48 connections', 'at 500 req/s'.

    Exits with 0 if all are met; 1 if one is missed; 2 if the command is wrong; 3 if one could not
    be judged, because the measurement is not valid.
    """
    if junit_file is not None:
        files.check_writable(junit_file, "--junit")
    record = load(store, run)
    held = find_baseline(baseline, store) if baseline is not None else None
    checks = judge(objectives, record, held)
    document = build_gate(checks, record, f"{held.run} ({held.machine})" if held else None)
    if junit_file is not None:
        files.write_text(junit_file, junit(checks, record, strict=strict))
    if summary:
        files.append_text(summary, render_markdown(document))
    if junit_file != files.STDOUT:
        render_terminal(document, Console())
    sys.exit(exit_code(checks, strict=strict))


@click.command(
    epilog=f"""\b
Examples:
  syncline baseline
  syncline baseline latest --out {BASELINE_FILE}
"""
)
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=complete_run)
@click.option(
    "--out",
    metavar="FILE",
    default=BASELINE_FILE,
    show_default=True,
    help="The file to commit; - is standard output.",
)
@store_option
def baseline(*, run: str, out: str, store: str) -> None:
    """Write the figures of RUN as a small file to commit, for 'syncline check --baseline'.

    One cell a line, keys sorted, figures of four digits: a diff shows which cell moved.
    """
    record = load(store, run)
    if not record.trials:
        raise UsageError(f"Run {record.id} has no trials yet, so it has no figures.")
    files.write_text(out, write_baseline(baseline_of(record)))
    if out != files.STDOUT:
        click.echo(f"Wrote {os.fspath(out)} of run {record.id}; commit it.", err=True)


def find_baseline(name: str, store: str) -> Baseline:
    """The baseline of a file, a run of the store, or a commit; tried in this order.

    Raises:
        UsageError: it is none of them, or cannot be read.
    """
    if Path(name).is_file():
        return _parse(_read(Path(name)), name)
    said = "there is no store"
    if is_there(store):
        with Store.open(store) as opened:
            try:
                return baseline_of(opened.load_run(opened.find(name)))
            except UsageError as error:
                said = str(error)
    ref, _, path = name.partition(":")
    text = committed_text(ref, path or BASELINE_FILE)
    if text is not None:
        return _parse(text, f"{path or BASELINE_FILE} of {ref}")
    raise UsageError(
        f"--baseline {name} is no file, no run ({said.rstrip('.')}), and no commit with "
        f"{path or BASELINE_FILE}."
    )


def _parse(text: str, where: str) -> Baseline:
    if '"definition"' in text:
        return baseline_of(read_archive(text, where))
    return read_baseline(text, where)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UsageError(f"{path} is longer than {LARGEST_BYTES} bytes; it is not read.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
