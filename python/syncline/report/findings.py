"""The findings of a run as part of a document: what, on what evidence, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.finding import Evidence, Finding
from syncline.report import units
from syncline.report.document import Code, Heading, Node, Points, Sentence, Tone, sentences
from syncline.report.proof import proof_sentences

_TONES: dict[str, Tone] = {"error": "bad", "warning": "warn", "info": "normal"}
_SHOWN = 6


def findings_nodes(found: tuple[Finding, ...]) -> Iterator[Node]:
    """A section of its own; nothing if there are none."""
    if not found:
        return
    yield Heading("Why")
    for one in found:
        yield from _finding(one)


def _finding(one: Finding) -> Iterator[Node]:
    if one.code == "healthy":
        yield Points((Sentence(f"{one.variant} is healthy. {one.summary}", "good"),))
        return
    yield Heading(f"{one.code}: {one.variant} at {_connections(one.level)}", level=3)
    yield sentences(one.summary, tone=_TONES[one.severity])
    items = [Sentence(one.mechanism)]
    items += [Sentence(f"Seen: {evidence_words(seen)}.") for seen in one.evidence[:_SHOWN]]
    items += [Sentence(f"Against it: {evidence_words(seen)}.") for seen in one.against]
    if one.consequences:
        items.append(Sentence(f"From it follows: {units.listed(one.consequences)}."))
    if one.fix is not None:
        kind = "Fix" if one.fix.cures else "Moves the bound, no cure"
        items.append(Sentence(f"{kind}: {one.fix.edit}", "strong"))
        if one.fix.what_if:
            settings = units.listed(tuple(f"{k}={v}" for k, v in sorted(one.fix.what_if.items())))
            items.append(Sentence(f"As a what-if: {settings}."))
        if one.fix.prediction:
            items.append(Sentence(one.fix.prediction))
    sure = f"{one.severity}, confidence {one.confidence:.2f}"
    items.append(Sentence(f"{sure}. More: syncline explain {one.code}", "dim"))
    if one.verification is not None:
        items += proof_sentences(one.verification)
    yield Points(tuple(items))
    if one.fix is not None and one.fix.example:
        yield Code(one.fix.example.rstrip("\n"), "python")


def evidence_words(seen: Evidence) -> str:
    """One piece of evidence in words: ``loop lag, ms: 1,200 (bound 100) at 2.1 s, by probe``."""
    text = f"{seen.metric}: {_value(seen.value)}"
    if seen.threshold is not None:
        text += f" (bound {_value(seen.threshold)})"
    if seen.at_s is not None:
        text += f" at {units.span(max(0.0, seen.at_s))}"
    return f"{text}, by {seen.observer}"


def _value(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    if value is not None and value == round(value):
        return units.count(value)
    return units.ABSENT if value is None else units.significant(value)


def _connections(level: int) -> str:
    return units.plural(level, "connection")
