"""The document tree on a terminal: aligned figures, restrained colour, any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from syncline.report import clean
from syncline.report.document import (
    Bars,
    Code,
    Document,
    Facts,
    Flame,
    Heading,
    Node,
    Note,
    Paragraph,
    Points,
    Sentence,
    Sparkline,
    Table,
    Tone,
    written,
)
from syncline.report.hottest import hottest
from syncline.report.strokes import bar, spark
from syncline.report.tabulate import STYLES, tabulate

_ASCII = str.maketrans(
    {"µ": "u", "×": "x", "–": "-", "−": "-", "·": "-", "…": "~", "─": "-", "•": "*", "±": "~"}
)
_BAR_WIDTH = 40


def render_terminal(document: Document, console: Console) -> None:
    """Print a document on a console, within its width."""
    for block in blocks(document, console.width, ascii_only=console.options.ascii_only):
        # A line of code is longer than the console at times; cut off it would be no code.
        console.print(block, highlight=False, markup=False, emoji=False, crop=False)


def blocks(document: Document, width: int, *, ascii_only: bool = False) -> Iterator[RenderableType]:
    """The document's nodes as what rich prints, with an empty line where the eye wants one."""
    nodes = tuple(written(document.nodes))
    for index, node in enumerate(nodes):
        previous = nodes[index - 1] if index else None
        lines = list(_RENDER[type(node)](node, width))
        if previous is not None and not _belongs(previous, node):
            lines.insert(0, Text(""))
        yield Group(*(_ascii(line) for line in lines) if ascii_only else lines)


def _belongs(previous: Node, node: Node) -> bool:
    """Whether a node follows the one before it without an empty line between them."""
    if isinstance(previous, Heading):
        return isinstance(node, Paragraph | Points | Heading)
    return isinstance(node, type(previous)) and isinstance(node, Note | Sparkline)


def _ascii(line: Text) -> Text:
    return Text(line.plain.translate(_ASCII), spans=line.spans, style=line.style)


def _heading(node: Heading, _: int) -> Iterator[Text]:
    yield Text(clean.plain(node.text), style="bold")


def _sentence(sentence: Sentence) -> Text:
    return Text(clean.plain(sentence.text), style=STYLES[sentence.tone])


def _paragraph(node: Paragraph, width: int) -> Iterator[Text]:
    texts = [_sentence(sentence) for sentence in node.sentences]
    for text in texts if node.apart else [Text(" ").join(texts)]:
        yield from _hanging(Text(), text, width)


def _points(node: Points, width: int) -> Iterator[Text]:
    for item in node.items:
        yield from _hanging(Text("• "), _sentence(item), width)


def _facts(node: Facts, width: int) -> Iterator[Text]:
    indent = max((len(term) for term, _ in node.rows), default=0) + 2
    for term, sentence in node.rows:
        head = Text(clean.plain(term).ljust(indent), style=STYLES["dim"])
        yield from _hanging(head, _sentence(sentence), width)


def _table(node: Table, width: int) -> Iterator[Text]:
    if node.title:
        yield Text(clean.plain(node.title), style="bold")
    yield from tabulate(node, width)


def _bars(node: Bars, width: int) -> Iterator[Text]:
    if node.title:
        yield Text(clean.plain(node.title), style="bold")
    labels = [clean.plain(item.label.text) for item in node.bars]
    label_width = max(map(len, labels), default=0)
    cells = [[clean.plain(cell.text) for cell in item.cells] for item in node.bars]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = max(8, min(_BAR_WIDTH, width - label_width - sum(widths) - 2 * len(widths) - 4))
    top = max((item.value for item in node.bars), default=0)
    for label, texts, item in zip(labels, cells, node.bars, strict=True):
        line = Text(label.rjust(label_width), style=STYLES[item.label.tone])
        for text, text_width in zip(texts, widths, strict=True):
            line.append("  " + text.rjust(text_width), style="default")
        line.append("  " + bar(item.value, top, room), style="cyan")
        yield line


def _sparkline(node: Sparkline, width: int) -> Iterator[Text]:
    room = max(8, width - len(node.label) - len(node.caption) - 4)
    line = Text(clean.plain(node.label) + "  ", style=STYLES["dim"])
    line.append(spark(node.values, room), style="cyan")
    line.append("  " + clean.plain(node.caption), style="default")
    yield line


def _flame(node: Flame, width: int) -> Iterator[Text]:
    return _table(hottest(node), width)


def _code(node: Code, _: int) -> Iterator[Text]:
    for line in clean.lines(node.text):
        yield Text("    " + line, no_wrap=True, overflow="ignore")


def _note(node: Note, width: int) -> Iterator[Text]:
    tone: Tone = "warn" if node.kind == "warn" else "dim"
    head = Text("! " if node.kind == "warn" else "  ", style=STYLES[tone])
    yield from _hanging(head, Text(clean.plain(node.text), style=STYLES[tone]), width)


def _hanging(head: Text, body: Text, width: int) -> Iterator[Text]:
    """A text that continues below itself, not below its head."""
    indent = head.cell_len
    lines = body.wrap(Console(width=width, file=None), max(20, width - indent))
    for index, line in enumerate(lines):
        line.rstrip()
        yield Text.assemble(head if index == 0 else " " * indent, line)


_RENDER: Mapping[type, Callable[[Any, int], Iterator[Text]]] = {
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
