"""Two runs against each other as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline.between import CellChange, Change
from syncline.record import Metric, RunRecord, Verdict
from syncline.report import units
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Kind,
    Node,
    Note,
    Points,
    Sentence,
    Table,
    Tone,
    sentences,
)

_METRICS: Mapping[Metric, tuple[str, Kind]] = {
    "throughput_rps": ("req/s", "rate"),
    "p50_us": ("p50", "duration_us"),
    "p99_us": ("p99", "duration_us"),
}
_TONES: Mapping[Verdict | None, Tone] = {
    "better": "good",
    "worse": "bad",
    "no difference shown": "normal",
    None: "warn",
}

_MANY = 5  # comparisons, from which on one that shows a difference by chance is not far


def build_change(
    change: Change, baseline: RunRecord, candidate: RunRecord, differences: tuple[str, ...]
) -> Document:
    """The cells of two runs with their verdicts.

    Args:
        differences: what of machine and software is not the same, in phrases.
    """
    return Document(tuple(_nodes(change, baseline, candidate, differences)))


def _nodes(
    change: Change, baseline: RunRecord, candidate: RunRecord, differences: tuple[str, ...]
) -> Iterator[Node]:
    yield Heading(f"{candidate.id} against {baseline.id}", level=1)
    if baseline.case.name != candidate.case.name:
        yield Note(
            "warn",
            f"They are of different cases, {baseline.case.name} and {candidate.case.name}: "
            "cells of the same name may ask different things.",
        )
    if not change.changes:
        yield sentences("The runs have no cell in common, so there is nothing to compare.")
    else:
        yield _table(change)
        yield sentences(*_legend(change), tone="dim")
        yield Heading("What it says")
        yield Points(tuple(Sentence(text) for text in _verdicts(change)))
    if differences:
        yield Heading("Not the same in both")
        yield Points(tuple(Sentence(text) for text in differences))
    if change.unmatched:
        yield Heading("Not compared")
        yield Points(tuple(Sentence(text) for text in change.unmatched))


def _table(change: Change) -> Table:
    columns = (
        Column("variant", align="left", key=True),
        Column("load", align="left", key=True),
        Column("conns", key=True),
        Column("", align="left", key=True),
        Column("before"),
        Column("after"),
        Column("ratio", tone="strong"),
        Column("95 % interval"),
        Column("could have seen"),
        Column("verdict", align="left"),
    )
    return Table(columns, tuple(_row(one) for one in change.changes))


def _row(one: CellChange) -> tuple[Cell, ...]:
    found = one.comparison
    title, kind = _METRICS[found.metric]
    seen = found.could_have_seen
    verdict = found.verdict or "cannot be compared"
    return (
        Cell(one.variant),
        Cell(found.load),
        Cell(found.connections, "count"),
        Cell(title),
        Cell(one.before, kind),
        Cell(one.after, kind),
        Cell(found.ratio, "ratio"),
        Cell(_interval(found.interval)),
        Cell("over 1,000 %" if seen is not None and seen > 10 else seen, "share"),
        Cell(f"{verdict} *" if found.reason else verdict, tone=_TONES[found.verdict]),
    )


def _interval(interval: tuple[float, float] | None) -> str | None:
    if interval is None:
        return None
    return f"{units.significant(interval[0])}–{units.significant(interval[1])}"


def _legend(change: Change) -> Iterator[str]:
    yield "before and after are medians; ratio is after over before, over pairs of repeats."
    yield (
        "could have seen is the smallest difference that would have been shown in 4 of 5 such "
        "measurements."
    )
    decided = sum(one.comparison.verdict is not None for one in change.changes)
    if decided >= _MANY:
        yield (
            f"Each verdict is at 95 % by itself: of {decided} comparisons without any difference "
            f"about {units.significant(decided / 20)} would show one by chance."
        )
    for reason in dict.fromkeys(one.comparison.reason for one in change.changes):
        if reason:
            yield f"* {reason}."


def _verdicts(change: Change) -> Iterator[str]:
    rates = [one for one in change.changes if one.comparison.metric == "throughput_rps"]
    for verdict in ("worse", "better", "no difference shown", None):
        cells = tuple(
            f"{one.variant} at {one.comparison.connections}"
            for one in rates
            if one.comparison.verdict == verdict
        )
        if cells:
            words = verdict or "cannot be compared"
            yield f"Throughput, {words}: {units.listed(cells)}."
