"""``syncline report``: a kept run as a page, Markdown or JSON; nothing is measured again."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import click
from rich.console import Console

from syncline.archive import archive_json
from syncline.cli import files
from syncline.cli.run import DEFAULT_OUT
from syncline.cli.stored import complete_run, load, store_option
from syncline.errors import EnvironmentLackError, UsageError
from syncline.report.html import render_html
from syncline.report.markdown import render_markdown
from syncline.report.run_report import build_report
from syncline.report.terminal import render_terminal


@click.command(
    epilog="""\b
Examples:
  syncline report
  syncline report latest --open
  syncline report 20260102 --html report.html --md report.md
  syncline report latest~1 --json -
"""
)
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=complete_run)
@click.option("--html", metavar="FILE", help="Write one self-contained page; - is standard output.")
@click.option(
    *("--md", "--markdown", "markdown"),
    metavar="FILE",
    help="Write Markdown; - is standard output.",
)
@click.option(
    *("--json", "json_file"), metavar="FILE", help="Write the run as JSON; - is standard output."
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@store_option
def report(
    *,
    run: str,
    html: str | None,
    markdown: str | None,
    json_file: str | None,
    opened: bool,
    store: str,
) -> None:
    """Make the report of RUN from the store: on the terminal, or as the files asked for.

    RUN is an id, the beginning of one, 'latest' (the default) or 'latest~1', the one before.
    """
    asked = [("--html", html), ("--md", markdown), ("--json", json_file)]
    to_stdout = [option for option, name in asked if name == files.STDOUT]
    if len(to_stdout) > 1:
        raise UsageError(f"{' and '.join(to_stdout)} would mix on standard output; name a file.")
    if opened and html == files.STDOUT:
        raise UsageError("--open needs a file to open, and --html - is none; name a file.")
    record = load(store, run)
    for option, name in asked:
        if name is not None:
            files.check_writable(name, option)
    document = build_report(record)
    if opened and html is None:
        html = str(files.make_directory(DEFAULT_OUT, "--open") / f"{record.id}.html")
    if json_file is not None:
        text = json.dumps(archive_json(record), indent=2, allow_nan=False)
        files.write_text(json_file, f"{text}\n")
    if markdown is not None:
        files.write_text(markdown, render_markdown(document))
    if html is not None:
        files.write_text(html, render_html(document))
    if html is None and markdown is None and json_file is None:
        render_terminal(document, Console())
    for _, name in (("--html", html), *asked[1:]):
        if name is not None and name != files.STDOUT:
            click.echo(f"Written: {name}", err=True)
    if opened and html is not None:
        show(Path(html))


def show(page: Path) -> None:
    """The page in the user's browser.

    Raises:
        EnvironmentLackError: there is no browser; the page is written all the same.
    """
    if not webbrowser.open(page.resolve().as_uri()):
        raise EnvironmentLackError(f"No browser could be started; the page is {page}.")
