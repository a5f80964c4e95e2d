"""The loads of a test session as plain rows, which workers can send, and as one document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncline.codec import from_json, to_json
from syncline.report import units
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Node,
    Points,
    Sentence,
    Table,
    Tone,
    sentences,
)
from syncline.testing.result import Result

_TONES: Mapping[str, Tone] = {"error": "bad", "warning": "warn"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One load of the session.

    Attributes:
        test: the test's node id.
        service: what was loaded; ``load`` how, in words.
        p50_us, p99_us: None if nothing was answered.
        reasons: why the figures do not stand; empty if they do.
        findings: severity, code, summary and what to do, of each.
        page: the name of the file with the whole report, without its suffix; empty without one.
    """

    test: str
    service: str
    load: str
    p50_us: float | None
    p99_us: float | None
    throughput_rps: float
    errors: int
    reasons: tuple[str, ...]
    findings: tuple[tuple[str, str, str, str], ...]
    page: str = ""


def row_of(test: str, result: Result, page: str = "") -> Row:
    """What the session's report says of one load."""
    trial = result.record.trials[0][0]
    times = result.times_us
    return Row(
        test=test,
        service=result.record.case.name,
        load=f"{trial.load.connections} × {units.span(trial.load.duration_s)}",
        p50_us=times.p50 if times else None,
        p99_us=times.p99 if times else None,
        throughput_rps=result.throughput_rps,
        errors=result.errors,
        reasons=result.validity.reasons,
        findings=tuple(
            (one.severity, one.code, one.summary, one.fix.edit if one.fix else "")
            for one in result.findings
        ),
        page=page,
    )


def page_name(test: str, number: int) -> str:
    """A file's name for the test's load with that number, from 1."""
    name = _NOT_IN_NAMES.sub("-", test.rpartition("/")[2]).strip("-.")[:100]
    return name if number == 1 else f"{name}-{number}"


def packed(rows: Sequence[Row]) -> list[Any]:
    """As JSON, for another process."""
    return [to_json(row) for row in rows]


def unpacked(data: Sequence[Any]) -> list[Row]:
    """What :func:`packed` packed."""
    return [from_json(Row, one) for one in data]


def lines(rows: Sequence[Row]) -> list[str]:
    """The rows for a terminal: two lines for each load that is not plain, one for others."""
    found = []
    for row in rows:
        found.append(
            f"{row.test}: {row.service}, {row.load}: p50 {units.duration(row.p50_us)}, "
            f"p99 {units.duration(row.p99_us)}, {units.rate(row.throughput_rps)} requests/s, "
            f"{units.plural(row.errors, 'error')}"
        )
        if row.reasons:
            found.append(f"  not valid: {'; '.join(row.reasons)}")
        found += [
            f"  {severity}: {code}: {summary}"
            for severity, code, summary, _ in row.findings
            if severity != "info"
        ]
    return found


def session_document(rows: Sequence[Row]) -> Document:
    """One report for all loads of the session: the figures, then what was found, test by test."""
    return Document((*_head(rows), *(node for row in rows for node in _found(row))))


def _head(rows: Sequence[Row]) -> list[Node]:
    graves = sum(severity == "error" for row in rows for severity, *_ in row.findings)
    first = (
        f"{units.plural(len(rows), 'load')}, {units.plural(graves, 'finding')} of severity error."
    )
    columns = (
        Column("test", align="left", key=True, shrinks=True),
        Column("service", align="left"),
        Column("load", align="left"),
        Column("p50"),
        Column("p99"),
        Column("requests/s"),
        Column("errors"),
        Column("what was found", align="left", shrinks=True),
    )
    return [
        Heading("Loads of the tests", level=1),
        sentences(first, tone="strong"),
        Table(columns, tuple(_cells(row) for row in rows)),
    ]


def _cells(row: Row) -> tuple[Cell, ...]:
    codes = ", ".join(code for severity, code, *_ in row.findings if severity != "info")
    said = codes or ("not valid" if row.reasons else "nothing")
    return (
        Cell(row.test),
        Cell(row.service),
        Cell(row.load),
        Cell(units.duration(row.p50_us)),
        Cell(units.duration(row.p99_us)),
        Cell(units.rate(row.throughput_rps)),
        Cell(units.count(row.errors), tone="bad" if row.errors else "normal"),
        Cell(said, tone="warn" if row.reasons else "normal"),
    )


def _found(row: Row) -> list[Node]:
    items = [Sentence(f"The figures do not stand: {one}.", "warn") for one in row.reasons]
    for severity, code, summary, edit in row.findings:
        if severity != "info":
            items.append(Sentence(f"{code}: {summary}", _TONES[severity]))
            if edit:
                items.append(Sentence(f"To do: {edit}"))
    if row.page:
        items.append(Sentence(f"The whole report: {row.page}.html"))
    return [Heading(row.test), Points(tuple(items))] if items else []
