"""Where ``syncline load`` puts what came: terminal and files; and its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console

from syncline.cli import files
from syncline.cli.files import STDOUT
from syncline.errors import UsageError
from syncline.hang import hang_of
from syncline.outcome import LoadResult
from syncline.plan import Plan
from syncline.report.hdr import hgrm, hlog
from syncline.report.html import render_html
from syncline.report.load_export import intervals_csv, load_json
from syncline.report.load_page import build_load_page
from syncline.report.load_report import build_load, build_verdict
from syncline.report.terminal import render_terminal


@dataclass(frozen=True, slots=True)
class Output:
    """What to show and what to write."""

    latency: bool
    json: str | None
    csv: str | None
    html: str | None
    hdr: tuple[str, ...]
    quiet: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load that ended, or was interrupted; ``extra`` goes into its JSON beside the result."""

    plan: Plan
    result: LoadResult
    started: datetime
    interrupted: bool
    extra: Mapping[str, Any] = field(default_factory=dict)


def check_output(output: Output) -> None:
    """Refuse before the load what could not be written after it.

    Raises:
        UsageError: an unknown format, or two outputs on standard output.
        EnvironmentLackError: a folder is missing or may not be written to.
    """
    for name in output.hdr:
        if not name.endswith((".hgrm", ".hlog")):
            raise UsageError(f"--hdr {name}: the name must end in .hgrm or .hlog.")
    asked = [("--json", output.json), ("--csv", output.csv), ("--html", output.html)]
    to_stdout = [f"{option} -" for option, name in asked if name == STDOUT]
    if len(to_stdout) > 1:
        raise UsageError(f"{' and '.join(to_stdout)} would mix on standard output; name a file.")
    for option, file in (*asked, *(("--hdr", name) for name in output.hdr)):
        if file is not None:
            files.check_writable(file, option)


def put_out(loaded: Loaded, output: Output) -> None:
    """Write the files, then show the summary; standard output belongs to data if it was asked to.

    Raises:
        EnvironmentLackError: a file could not be written; the summary was shown all the same.
    """
    plan, result = loaded.plan, loaded.result
    try:
        if output.json is not None:
            data = {**load_json(plan, result, interrupted=loaded.interrupted), **loaded.extra}
            files.write_text(output.json, json.dumps(data, indent=2, allow_nan=False) + "\n")
        if output.csv is not None:
            files.write_text(output.csv, intervals_csv(result.intervals))
        if output.html is not None:
            page = build_load_page(plan, result, interrupted=loaded.interrupted)
            files.write_text(output.html, render_html(page))
        for name in output.hdr:
            text = (
                hgrm(result.histograms) if name.endswith(".hgrm") else hlog(result, loaded.started)
            )
            files.write_text(name, text)
    finally:
        _show(loaded, output)


def exit_code(loaded: Loaded) -> int:
    """0 good; 1 the service hung; 3 no valid measurement, or no success; 130 interrupted."""
    if loaded.interrupted:
        return 130
    if loaded.result.validity.status == "invalid" or loaded.result.ok == 0:
        return 3
    return 0 if hang_of(loaded.result) is None else 1


def _show(loaded: Loaded, output: Output) -> None:
    busy = STDOUT in (output.json, output.csv, output.html)
    console = Console(file=sys.stderr if busy else sys.stdout)
    plan, result, interrupted = loaded.plan, loaded.result, loaded.interrupted
    if output.quiet:
        document = build_verdict(plan, result, interrupted=interrupted)
    else:
        document = build_load(plan, result, detail=output.latency, interrupted=interrupted)
    render_terminal(document, console)
