"""What a search for the best setting found, as a document."""

from __future__ import annotations

from collections.abc import Sequence

from syncline.report import units
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Paragraph,
    Sentence,
    Table,
    sentences,
)
from syncline.tune import Standing, said

_COLUMNS = (
    Column("setting", align="left", key=True),
    Column("req/s"),
    Column("trials"),
    Column("to the default"),
    Column("95 % interval"),
    Column("", align="left", shrinks=True),
)


def build_tune(found: Sequence[Standing], variant: str, connections: int) -> Document:
    """The answer, and every setting with what is known of it."""
    where = f"{variant} at {units.plural(connections, 'connection')}"
    if not found:
        return Document((sentences("No trial was run, so there is nothing to say."),))
    return Document(
        (
            Heading(f"Settings of {where}"),
            Paragraph((Sentence(said(found, variant), "strong"),)),
            Table(_COLUMNS, tuple(_row(one) for one in found)),
            sentences(
                "Settings that may be the best are told from the final's trials alone, by paired "
                "rounds, with 95 % confidence for all comparisons together. Those that did not "
                "come to the final were behind in fewer trials, which is no proof. "
                "req/s is the median over all trials of a setting.",
                tone="dim",
            ),
        )
    )


def _row(one: Standing) -> tuple[Cell, ...]:
    interval = one.interval
    return (
        Cell(one.setting or "the default", tone="strong" if one.tied else "normal"),
        Cell(one.throughput_rps, "rate"),
        Cell(one.rounds, "count"),
        Cell(one.against, "ratio"),
        Cell(
            f"{units.significant(interval[0])}–{units.significant(interval[1])}"
            if interval
            else None
        ),
        Cell(_state(one), tone="good" if one.tied else "bad" if one.misses else "dim"),
    )


def _state(one: Standing) -> str:
    if one.misses:
        return one.misses
    if one.tied:
        return "may be the best"
    return "worse" if one.final else "left out in halving"
