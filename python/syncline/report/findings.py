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
    """A section of its own; nothing if there are none.

    What a reader must act on comes whole: the first finding and the errors. Warnings come as what
    was found and what to do, each code once; what is only to be known comes in a line.
    """
    if not found:
        return
    yield Heading("Why")
    whole = [one for one in found if one is found[0] or one.severity == "error"]
    rest = [one for one in found if one not in whole]
    for one in whole:
        yield from finding_nodes(one)
    for code in dict.fromkeys(one.code for one in rest if one.severity == "warning"):
        yield from _brief([one for one in rest if one.code == code])
    known = [one for one in rest if one.severity == "info"]
    if known:
        yield Points(tuple(_in_a_line(known)))
    if rest:
        yield sentences("The evidence for each is in the report.", tone="dim")


def _brief(alike: list[Finding]) -> Iterator[Node]:
    places = units.listed(tuple(f"{one.variant} at {_connections(one.level)}" for one in alike))
    first = alike[0]
    yield Heading(f"{first.code}: {places}", level=3)
    yield sentences(first.summary, tone=_TONES[first.severity])
    proofs = [
        each for one in alike if one.verification for each in proof_sentences(one.verification)
    ]
    items = [*_cure(first), _more(first), *proofs]
    yield Points(tuple(items))


def _in_a_line(known: list[Finding]) -> Iterator[Sentence]:
    for code in dict.fromkeys(one.code for one in known):
        alike = [one for one in known if one.code == code]
        if code == "healthy":
            for one in alike:
                yield Sentence(f"{one.variant} is healthy. {one.summary}", "good")
            continue
        where = units.listed(tuple(dict.fromkeys(one.variant for one in alike)))
        yield Sentence(f"{code} ({where}): {alike[0].summary}", "dim")


def finding_nodes(one: Finding) -> Iterator[Node]:
    """One finding, whole."""
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
    items += [*_cure(one), _more(one)]
    if one.verification is not None:
        items += proof_sentences(one.verification)
    yield Points(tuple(items))
    if one.fix is not None and one.fix.example:
        yield Code(one.fix.example.rstrip("\n"), "python")


def _cure(one: Finding) -> Iterator[Sentence]:
    if one.fix is None:
        return
    kind = "Fix" if one.fix.cures else "Moves the bound, no cure"
    yield Sentence(f"{kind}: {one.fix.edit}", "strong")
    if one.fix.what_if:
        settings = units.listed(tuple(f"{k}={v}" for k, v in sorted(one.fix.what_if.items())))
        yield Sentence(f"As a what-if: {settings}.")
    if one.fix.prediction:
        yield Sentence(one.fix.prediction)


def _more(one: Finding) -> Sentence:
    sure = f"{one.severity}, confidence {one.confidence:.2f}"
    return Sentence(f"{sure}. More: syncline explain {one.code}", "dim")


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
