"""The tree that every report is built as, once, before anyone decides how it is shown.

Nodes say what a thing *is* (a duration, a hang, a warning), never how it looks; the renderers
(``terminal``, ``markdown``, ``html``) decide that. Texts in the tree are raw: a renderer
neutralises them. A graphic carries in ``instead`` what says the same where nothing can be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from syncline.finding import Finding
from syncline.report import units
from syncline.report.graphics import Axis, Place, Served, Strip, View

Tone = Literal["normal", "strong", "dim", "good", "warn", "bad"]
Kind = Literal["text", "code", "duration_us", "rate", "count", "ratio", "share", "size"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One typed figure or word of a table.

    Attributes:
        value: a number in the unit that ``kind`` names, a text, or None for what is not known.
        kind: what the value is; ``code`` is a text of strangers, shown verbatim.
        tone: its weight in the eye of the reader.
        span: over how many columns it stretches; the row has so many fewer cells.
    """

    value: float | str | None
    kind: Kind = "text"
    tone: Tone = "normal"
    span: int = 1

    @property
    def text(self) -> str:
        """The value in words, raw."""
        if isinstance(self.value, str):
            return self.value
        if self.value is None:
            return units.ABSENT
        return _FORMATS[self.kind](self.value) if self.kind in _FORMATS else str(self.value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; neighbours with the same ``group`` stand under one common title.

    A renderer that lacks room first cuts the texts of columns with ``shrinks``, then breaks the
    table between groups, never within one; columns with ``key`` are repeated then.
    """

    title: str
    align: Literal["left", "right"] = "right"
    group: str = ""
    key: bool = False
    shrinks: bool = False
    tone: Tone = "normal"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; a row's spans add up to the number of columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            width = sum(cell.span for cell in row)
            if width != len(self.columns):
                raise ValueError(f"a row has {width} cells for {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its weight."""

    text: str
    tone: Tone = "normal"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences that belong together; with ``apart``, each on a line of its own."""

    sentences: tuple[Sentence, ...]
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences, one to a line."""

    items: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms with what is to be said of each."""

    rows: tuple[tuple[str, Sentence], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how long it is, and what is written beside it."""

    label: Cell
    value: float
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram or bar chart, drawn from zero."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A small line over time; None where nothing is known, which is not zero."""

    label: str
    values: tuple[float | None, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied or read verbatim."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader must not miss (``warn``) or may want to know (``info``)."""

    kind: Literal["warn", "info"]
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over an axis, with their intervals; the first view is shown first."""

    title: str
    x: Axis
    y: Axis
    views: tuple[View, ...]
    caption: str = ""
    instead: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Trials over time, one at a time, ``chosen`` first: many panels on one axis, with marks."""

    title: str
    strips: tuple[Strip, ...]
    chosen: int = 0
    caption: str = ""
    instead: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """The connections of each trial: how many were served, and how evenly."""

    title: str
    rows: tuple[Served, ...]
    instead: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingBlock:
    """A finding.

    Attributes:
        root: whether it is the one that the document is about.
        trial: where it shows; None if that trial is not in the document.
        places: for each piece of its evidence and then of what speaks against it, the instant in
            a timeline that shows it.
    """

    finding: Finding
    root: bool = False
    trial: Place | None = None
    places: tuple[Place | None, ...] = ()
    instead: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that the document brings along, where it can: what is drawn, as it was taken."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Flame:
    """Stacks by how often, or for how long, they were seen; the outermost frame first.

    Attributes:
        against: what they are compared with, as a difference; None for a plain flame graph.
        unit: of the numbers, as a plural.
        whole: the profile with every line of it, as speedscope reads it.
    """

    title: str
    stacks: tuple[tuple[tuple[str, ...], int], ...]
    against: tuple[tuple[tuple[str, ...], int], ...] | None = None
    unit: str = "samples"
    whole: Attachment | None = None


Graphic: TypeAlias = Chart | Timeline | Census | FindingBlock
Node: TypeAlias = (
    Heading | Paragraph | Points | Facts | Table | Bars | Sparkline | Code | Note | Graphic | Flame
)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    nodes: tuple[Node, ...]


def written(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """The same without graphics: each is replaced by what it carries instead."""
    for node in nodes:
        if isinstance(node, Chart | Timeline | Census | FindingBlock):
            yield from written(node.instead)
        else:
            yield node


def sentences(*texts: str, tone: Tone = "normal") -> Paragraph:
    """A paragraph of sentences of one weight."""
    return Paragraph(tuple(Sentence(text, tone) for text in texts))


_FORMATS: Mapping[str, Callable[[float], str]] = {
    "duration_us": units.duration,
    "rate": units.rate,
    "count": units.count,
    "ratio": units.ratio,
    "share": units.share,
    "size": units.size,
}
