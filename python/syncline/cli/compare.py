"""``syncline compare RUN RUN``: the same cells of two runs."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console

from syncline.between import between, change_json
from syncline.cli import files
from syncline.cli.stored import complete_run, load, store_option
from syncline.errors import UsageError
from syncline.experiment.environment import differences
from syncline.report.change import build_change
from syncline.report.markdown import render_markdown
from syncline.report.terminal import render_terminal


@click.command(
    epilog="""\b
Examples:
  syncline compare latest~1 latest
  syncline compare 20260102-030405-9f2c latest --json change.json
"""
)
@click.argument("baseline", metavar="RUN", shell_complete=complete_run)
@click.argument("candidate", metavar="RUN", shell_complete=complete_run)
@click.option(
    *("--json", "json_file"), metavar="FILE", help="Write it as JSON; - is standard output."
)
@click.option("--markdown", metavar="FILE", help="Write it as Markdown; - is standard output.")
@store_option
def compare(
    *, baseline: str, candidate: str, json_file: str | None, markdown: str | None, store: str
) -> None:
    """Compare the second RUN with the first: the same variants under the same loads.

    Each cell gets a verdict, 'better', 'worse' or 'no difference shown', with the 95 % interval of
    the ratio and the smallest difference that could have been seen. Repeats make verdicts: of a
    single measurement the noise is not known.

    Exits with 0 whatever the verdicts are ('syncline check' is the gate); 3 if no cell can be
    compared.
    """
    before, after = load(store, baseline), load(store, candidate)
    if before.id == after.id:
        raise UsageError(f"Both are run {before.id}; name two runs.")
    change = between(before, after)
    if json_file is not None:
        text = json.dumps(change_json(change), indent=2, allow_nan=False)
        files.write_text(json_file, f"{text}\n")
    document = build_change(
        change, before, after, differences(before.environment, after.environment)
    )
    if markdown is not None:
        files.write_text(markdown, render_markdown(document))
    if files.STDOUT not in (json_file, markdown):
        render_terminal(document, Console())
    compared = any(one.comparison.verdict is not None for one in change.changes)
    sys.exit(0 if compared else 3)
