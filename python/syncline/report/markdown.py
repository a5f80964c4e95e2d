"""The document tree as Markdown that one would paste into a pull request or a README."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncline.report import clean
from syncline.report.document import (
    Bars,
    Cell,
    Code,
    Document,
    Facts,
    Flame,
    Heading,
    Note,
    Paragraph,
    Points,
    Sentence,
    Sparkline,
    Table,
    written,
)
from syncline.report.hottest import hottest
from syncline.report.strokes import bar, spark

_BAR_WIDTH = 40
_SPARK_WIDTH = 60


def render_markdown(document: Document) -> str:
    """The document as GitHub-flavoured Markdown, with a final newline."""
    parts = ["\n".join(_RENDER[type(node)](node)) for node in written(document.nodes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(node: Heading) -> Iterator[str]:
    yield f"{'#' * node.level} {clean.markdown(node.text)}"


def _sentence(sentence: Sentence) -> str:
    text = clean.markdown(sentence.text)
    return f"**{text}**" if sentence.tone in ("strong", "bad") and text else text


def _paragraph(node: Paragraph) -> Iterator[str]:
    yield ("  \n" if node.apart else " ").join(map(_sentence, node.sentences))


def _points(node: Points) -> Iterator[str]:
    for item in node.items:
        yield f"- {_sentence(item)}"


def _facts(node: Facts) -> Iterator[str]:
    for term, sentence in node.rows:
        yield f"- {clean.markdown(term)}: {_sentence(sentence)}"


def _table(node: Table) -> Iterator[str]:
    if node.title:
        yield f"**{clean.markdown(node.title)}**"
        yield ""
    titles = [" ".join(filter(None, (column.group, column.title))) for column in node.columns]
    yield _row(clean.markdown(title) for title in titles)
    yield _row("---" if column.align == "left" else "---:" for column in node.columns)
    for row in node.rows:
        texts: list[str] = []
        for cell in row:
            texts += [_cell(cell), *[""] * (cell.span - 1)]
        yield _row(texts)


def _row(texts: Any) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell) -> str:
    if cell.kind == "code":
        return clean.markdown_code(cell.text)
    text = clean.markdown(cell.text)
    return f"**{text}**" if cell.tone in ("strong", "bad") and text else text


def _bars(node: Bars) -> Iterator[str]:
    if node.title:
        yield f"**{clean.markdown(node.title)}**"
        yield ""
    rows = [[clean.plain(cell.text) for cell in (item.label, *item.cells)] for item in node.bars]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    top = max((item.value for item in node.bars), default=0)
    drawn = []
    for texts, item in zip(rows, node.bars, strict=True):
        aligned = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
        drawn.append("  ".join((*aligned, bar(item.value, top, _BAR_WIDTH))).rstrip())
    yield from _fenced("\n".join(drawn), "text")


def _sparkline(node: Sparkline) -> Iterator[str]:
    drawn = f"`{spark(node.values, _SPARK_WIDTH)}`"
    yield f"{clean.markdown(node.label)} {drawn} {clean.markdown(node.caption)}".rstrip()


def _flame(node: Flame) -> Iterator[str]:
    return _table(hottest(node))


def _code(node: Code) -> Iterator[str]:
    yield from _fenced("\n".join(clean.lines(node.text)), node.language)


def _fenced(text: str, language: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence


def _note(node: Note) -> Iterator[str]:
    text = clean.markdown(node.text)
    yield f"> **Warning:** {text}" if node.kind == "warn" else f"> {text}"


_RENDER: Mapping[type, Callable[[Any], Iterator[str]]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Points: _points,
    Facts: _facts,
    Table: _table,
    Bars: _bars,
    Sparkline: _sparkline,
    Flame: _flame,
    Code: _code,
    Note: _note,
}
