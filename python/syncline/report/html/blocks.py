"""Nodes of words and figures as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncline.finding import Evidence, Finding
from syncline.report import clean, units
from syncline.report.answer import what_if_words
from syncline.report.document import (
    Bars,
    Cell,
    Code,
    Column,
    Facts,
    FindingBlock,
    Heading,
    Node,
    Note,
    Paragraph,
    Points,
    Sentence,
    Sparkline,
    Table,
)
from syncline.report.findings import evidence_words
from syncline.report.graphics import Place
from syncline.report.html.element import LINE_END, Markup, el, join
from syncline.report.proof import proof_sentences
from syncline.report.strokes import spark

_SPARK_WIDTH = 60


def plain_block(node: Node) -> Markup:
    """A node that is no graphic."""
    return _RENDER[type(node)](node)


def table_block(node: Table) -> Markup:
    """A table that scrolls by itself where it is too wide for the page."""
    grouped = any(column.group for column in node.columns)
    head = el("tr", *(_title(column) for column in node.columns))
    rows = (el("tr", *_cells(row, node.columns)) for row in node.rows)
    table = el(
        "table",
        el("caption", node.title) if node.title else None,
        el("thead", el("tr", *_groups(node.columns)) if grouped else None, head),
        el("tbody", *rows),
    )
    name = node.title or "Figures"
    return el("div", table, class_="wide", tabindex="0", role="region", aria_label=name)


def finding_block(node: FindingBlock) -> Markup:
    """A finding with its evidence, whose instants lead into the timeline."""
    one = node.finding
    if one.code == "healthy":
        return el(
            "article",
            el("p", el("strong", f"{one.variant} is healthy. "), one.summary),
            class_="finding good",
        )
    title = el(
        "h3",
        el("span", one.severity, class_=f"badge {one.severity}"),
        f" {one.code} ",
        el("span", f"{one.variant} at {units.plural(one.level, 'connection')}", class_="where"),
    )
    return el(
        "article",
        title,
        el("p", one.summary, class_="summary"),
        el("p", one.mechanism),
        _evidence(node),
        _consequences(one),
        _fix(one),
        el(
            "p",
            f"Confidence {one.confidence:.2f}. ",
            _jump(node.trial, "Show this trial over time"),
            " ",
            el("code", f"syncline explain {one.code}"),
            class_="dim",
        ),
        class_=f"finding {one.severity}{' root' if node.root else ''}",
    )


def _evidence(node: FindingBlock) -> Markup | None:
    one = node.finding
    seen = [("Seen: ", item) for item in one.evidence] + [("Against it: ", a) for a in one.against]
    places = (*node.places, *(None for _ in range(len(seen) - len(node.places))))
    items = [
        el("li", el("span", word, class_="dim"), evidence_words(item), " ", _when(place, item))
        for (word, item), place in zip(seen, places, strict=True)
    ]
    return el("ul", *items, class_="evidence") if items else None


def _when(place: Place | None, item: Evidence) -> Markup | None:
    if place is None or item.at_s is None:
        return None
    return _jump(place, "show when")


def _jump(place: Place | None, text: str) -> Markup | None:
    if place is None:
        return None
    at = None if place.at_s is None else f"{place.at_s:.3f}"
    return el("a", text, href="#timeline", data_strip=place.strip, data_at=at, class_="jump")


def _consequences(one: Finding) -> Markup | None:
    if not one.consequences:
        return None
    return el("p", f"From it follows: {units.listed(one.consequences)}.", class_="dim")


def _fix(one: Finding) -> Markup | None:
    if one.fix is None:
        return None
    kind = "What cures it" if one.fix.cures else "What moves the bound, without curing it"
    settings = what_if_words(one.fix)
    return el(
        "div",
        el("h4", kind),
        el("p", one.fix.edit),
        _code(Code(one.fix.example.rstrip("\n"), "python")) if one.fix.example else None,
        el("p", "As a what-if, without an edit: ", el("code", settings)) if settings else None,
        el("p", one.fix.prediction) if one.fix.prediction else None,
        *_proof(one),
        class_="fix",
    )


def _proof(one: Finding) -> Iterator[Markup]:
    if one.verification is not None:
        for index, sentence in enumerate(proof_sentences(one.verification)):
            yield el("p", _sentence(sentence), class_=None if index else "proof")


def _heading(node: Heading) -> Markup:
    return el(f"h{min(6, node.level)}", node.text)


def _sentence(one: Sentence) -> Markup | str:
    return one.text if one.tone == "normal" else el("span", one.text, class_=one.tone)


def _spaced(items: tuple[Sentence, ...]) -> Iterator[Markup | str]:
    for index, item in enumerate(items):
        if index:
            yield " "
        yield _sentence(item)


def _paragraph(node: Paragraph) -> Markup:
    if node.apart:
        return join(*(el("p", _sentence(one)) for one in node.sentences))
    dim = all(one.tone == "dim" for one in node.sentences)
    return el("p", *_spaced(node.sentences), class_="dim" if dim else None)


def _points(node: Points) -> Markup:
    return el("ul", *(el("li", _sentence(item)) for item in node.items))


def _facts(node: Facts) -> Markup:
    rows = (join(el("dt", term), el("dd", _sentence(sentence))) for term, sentence in node.rows)
    return el("dl", *rows)


def _title(column: Column) -> Markup:
    return el("th", column.title, scope="col", class_=column.align)


def _groups(columns: tuple[Column, ...]) -> Iterator[Markup]:
    index = 0
    while index < len(columns):
        name = columns[index].group
        width = 1
        while index + width < len(columns) and columns[index + width].group == name:
            width += 1
        if name:
            yield el("th", name, scope="colgroup", colspan=str(width), class_="group")
        else:
            yield el("td", colspan=str(width))
        index += width


def _cells(row: tuple[Cell, ...], columns: tuple[Column, ...]) -> Iterator[Markup]:
    place = 0
    for cell in row:
        column = columns[place]
        text = el("code", cell.text) if cell.kind == "code" else cell.text
        tone = cell.tone if cell.tone != "normal" else column.tone
        align = "middle" if cell.span > 1 else column.align
        classes = " ".join(filter(None, (align, "" if tone == "normal" else tone)))
        span = str(cell.span) if cell.span > 1 else None
        if column.key:
            yield el("th", text, scope="row", class_=classes, colspan=span)
        else:
            yield el("td", text, class_=classes, colspan=span)
        place += cell.span


def _bars(node: Bars) -> Markup:
    top = max((item.value for item in node.bars), default=0.0) or 1.0
    rows = (
        el(
            "tr",
            el("th", item.label.text, scope="row", class_="right"),
            *(el("td", cell.text, class_="right") for cell in item.cells),
            el(
                "td",
                el(
                    "svg",
                    el("rect", class_="served", width=f"{240 * item.value / top:.1f}", height="10"),
                    width="240",
                    height="10",
                    aria_hidden="true",
                ),
            ),
        )
        for item in node.bars
    )
    table = el("table", el("caption", node.title) if node.title else None, el("tbody", *rows))
    return el("div", table, class_="wide", tabindex="0", role="region", aria_label=node.title)


def _sparkline(node: Sparkline) -> Markup:
    drawn = el("span", spark(node.values, _SPARK_WIDTH), class_="spark", aria_hidden="true")
    return el("p", el("span", node.label, class_="dim"), " ", drawn, " ", node.caption)


def _code(node: Code) -> Markup:
    first, *others = clean.lines(node.text)
    lines = (child for line in others for child in (LINE_END, line))
    return el("pre", el("code", first, *lines), tabindex="0")


def _note(node: Note) -> Markup:
    return el("p", node.text, class_=f"note {node.kind}")


_RENDER: Mapping[type, Callable[[Any], Markup]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Points: _points,
    Facts: _facts,
    Table: table_block,
    Bars: _bars,
    Sparkline: _sparkline,
    Code: _code,
    Note: _note,
}
