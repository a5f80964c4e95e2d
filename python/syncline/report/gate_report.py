"""Judged objectives as a document, and as the JUnit XML that CI servers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from syncline.gate import Check, Status
from syncline.objective import SHARES
from syncline.record import RunRecord
from syncline.report import clean, units
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Table,
    Tone,
    sentences,
)

_TONES: Mapping[Status, Tone] = {
    "met": "good",
    "missed": "bad",
    "undecided": "warn",
    "invalid": "warn",
}


def build_gate(checks: Sequence[Check], record: RunRecord, baseline: str | None) -> Document:
    """A table for each objective, a row for each cell, what is missed first.

    Args:
        baseline: the run that drifts are held against, in words.
    """
    against = f", against {baseline}" if baseline else ""
    return Document(
        (
            Heading(f"{record.case.name}: {verdict_words(checks)}", level=1),
            *(
                _table(name, [one for one in checks if one.objective == name])
                for name in dict.fromkeys(one.objective for one in checks)
            ),
            sentences(f"Run {record.id}, started {record.started}{against}.", tone="dim"),
        )
    )


def _table(objective: str, checks: Sequence[Check]) -> Table:
    order = ("missed", "invalid", "undecided", "met")
    columns = (
        Column("", align="left", key=True),
        Column("where", align="left", key=True),
        Column("measured"),
        Column("note", align="left", shrinks=True),
    )
    rows = tuple(
        (
            Cell(one.status, tone=_TONES[one.status]),
            Cell(one.place),
            Cell(measured_words(one)),
            Cell(one.detail),
        )
        for one in sorted(checks, key=lambda one: order.index(one.status))
    )
    return Table(columns, rows, title=objective)


def verdict_words(checks: Sequence[Check]) -> str:
    """``2 of 7 checks missed``, ``all 7 checks met``."""
    counts = {status: sum(one.status == status for one in checks) for status in _TONES}
    if counts["met"] == len(checks):
        return f"all {len(checks)} checks met" if len(checks) > 1 else "the check is met"
    words: Mapping[Status, str] = {
        "missed": "missed",
        "invalid": "not measured",
        "undecided": "undecided",
    }
    found = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    return f"{units.listed(tuple(found))} of {units.plural(len(checks), 'check')}"


def measured_words(one: Check) -> str | None:
    """What was measured, in its unit; a drift as its ratio with the interval."""
    if one.measured is None:
        return None
    if "baseline" in one.objective:
        ratio = units.ratio(one.measured)
        if one.interval is None:
            return ratio
        low, high = one.interval
        return f"{ratio} ({units.significant(low)}–{units.significant(high)})"
    if one.quantity == "throughput":
        return f"{units.rate(one.measured)} req/s"
    return units.share(one.measured) if one.quantity in SHARES else units.duration(one.measured)


def junit(checks: Sequence[Check], record: RunRecord, *, strict: bool = False) -> str:
    """One test suite with a case for each check: a miss is a failure, no judgement an error."""
    undecided = ("invalid", "undecided") if strict else ("invalid",)
    suite = ElementTree.Element(
        "testsuite",
        name=clean.plain(f"syncline {record.case.name}"),
        tests=str(len(checks)),
        failures=str(sum(one.status == "missed" for one in checks)),
        errors=str(sum(one.status in undecided for one in checks)),
        timestamp=record.started.removesuffix("Z"),
    )
    for one in checks:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=clean.plain(f"syncline.{record.case.name}"),
            name=clean.plain(f"{one.objective} ({one.place})"),
        )
        words = measured_words(one)
        text = "; ".join(
            word for word in (f"measured {words}" if words else "", one.detail) if word
        )
        if one.status == "missed":
            ElementTree.SubElement(case, "failure", message=clean.plain(text or "missed"))
        elif one.status in undecided:
            ElementTree.SubElement(case, "error", message=clean.plain(text or "not measured"))
        elif text:
            ElementTree.SubElement(case, "system-out").text = clean.plain(text)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
