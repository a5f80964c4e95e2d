"""``syncline explain CODE``: what a finding means, how it is recognised, what helps."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from typing import cast

import click
from click.shell_completion import CompletionItem
from rich.console import Console

from syncline.diagnosis import CATALOGUE
from syncline.errors import UsageError
from syncline.finding import Code
from syncline.report.explanation import build_explanation, build_index
from syncline.report.terminal import render_terminal

EPILOG = """\b
Examples:
  syncline explain pool-deadlock
  syncline explain
  syncline explain overflow-churn --json
"""


def complete_code(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The codes that begin so, each with its meaning."""
    return [
        CompletionItem(code, help=entry.meaning)
        for code, entry in CATALOGUE.items()
        if code.startswith(incomplete)
    ]


@click.command(epilog=EPILOG)
@click.argument("code", required=False, shell_complete=complete_code)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(*, code: str | None, as_json: bool) -> None:
    """Explain a finding: its meaning, mechanism, evidence, remedies and sources.

    CODE is a finding's, such as pool-deadlock; without one all codes are listed.
    """
    if code is None:
        if as_json:
            click.echo(json.dumps([asdict(one) for one in CATALOGUE.values()], indent=2))
        else:
            render_terminal(build_index(tuple(CATALOGUE.values())), Console())
        return
    entry = CATALOGUE.get(cast(Code, code))
    if entry is None:
        near = difflib.get_close_matches(code, list(CATALOGUE), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"There is no finding {code!r}.{hint} 'syncline explain' lists all of them."
        )
    if as_json:
        click.echo(json.dumps(asdict(entry), indent=2))
    else:
        render_terminal(build_explanation(entry), Console())
