"""A page of the catalogue of findings as a document, and the list of all pages."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.diagnosis import Entry
from syncline.report.document import (
    Document,
    Facts,
    Heading,
    Node,
    Paragraph,
    Points,
    Sentence,
    sentences,
)


def build_explanation(entry: Entry) -> Document:
    """Everything that the catalogue says of one code."""
    return Document(tuple(_nodes(entry)))


def build_index(entries: tuple[Entry, ...]) -> Document:
    """All codes, a line each."""
    rows = tuple((entry.code, Sentence(entry.meaning)) for entry in entries)
    more = Sentence("'syncline explain CODE' tells more of each.", "dim")
    return Document((Heading("Findings", level=1), Facts(rows), Paragraph((more,))))


def _nodes(entry: Entry) -> Iterator[Node]:
    yield Heading(entry.code, level=1)
    yield Paragraph((Sentence(entry.meaning, "strong"),))
    yield sentences(entry.mechanism)
    for title, items in (
        ("Evidence", entry.evidence),
        ("What helps", entry.remedies),
        ("What does not cure it", entry.not_cures),
        ("Sources", entry.sources),
    ):
        if items:
            yield Heading(title)
            yield Points(tuple(Sentence(item) for item in items))
