"""Runs as a list, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline.codec import to_json
from syncline.report.document import Cell, Column, Document, Table, Tone, sentences
from syncline.store import RunSummary

_TONES: dict[str, Tone] = {
    "finished": "normal",
    "running": "good",
    "interrupted": "warn",
    "failed": "bad",
}


def run_list(runs: Sequence[RunSummary]) -> Document:
    """A table, a row for each run."""
    columns = (
        Column("run", align="left", key=True),
        Column("case", align="left"),
        Column("status", align="left"),
        Column("trials"),
        Column("started (UTC)", align="left"),
        Column("commit", align="left", tone="dim"),
    )
    rows = tuple(
        (
            Cell(run.id),
            Cell(run.case),
            Cell(run.status, tone=_TONES[run.status]),
            Cell(f"{run.done} of {run.planned}" if run.done != run.planned else str(run.done)),
            Cell(run.started[:19].replace("T", " ")),
            Cell(_commit(run)),
        )
        for run in runs
    )
    return Document((Table(columns, rows), sentences(_footnote(runs), tone="dim")))


def runs_json(runs: Sequence[RunSummary]) -> dict[str, Any]:
    """``{"runs": [{"id": …}, …]}``, as they are given."""
    return {"runs": [to_json(run) for run in runs]}


def _commit(run: RunSummary) -> str | None:
    return f"{run.commit[:10]}{'+' if run.dirty else ''}" if run.commit else None


def _footnote(runs: Sequence[RunSummary]) -> str:
    text = "'syncline show RUN' shows one; the beginning of its id is enough."
    if any(run.commit and run.dirty for run in runs):
        text += " + marks a commit with uncommitted changes."
    return text
