"""What graphics are made of: lines over an axis, panels over time, latency as a heat map.

Values only. Like the document that holds them they say what a thing *is*; colours, strokes and
sizes are the renderer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quantity = Literal["rate", "count", "duration_us", "size", "cores", "share", "one_in"]
"""What a number is: ``rate`` per second, ``duration_us`` microseconds, ``size`` bytes, ``share`` of
1; ``one_in`` is 1/(1-q) of a quantile q, so that 1,000 is the 99.9th percentile."""

MarkKind = Literal["warmup", "stall", "timeout", "error", "full", "blocked"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a chart.

    Attributes:
        log: whether equal ratios stand equally far apart; needs values above 0.
    """

    title: str
    quantity: Quantity
    log: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One figure with its 95 % interval; ``y`` is None where nothing was measured.

    Attributes:
        note: why there is no figure (``hang``), or what must be known of it.
    """

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Points that belong together, by rising ``x``.

    Attributes:
        hue: lines of one variant have one hue, in every chart of a document.
        dashed: not measured here: somebody else's figures, or a bound.
        thin: beside the main line of the same hue.
    """

    name: str
    points: tuple[Point, ...]
    hue: int
    dashed: bool = False
    thin: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One of several sets of lines that a reader may choose among."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One quantity over time; None where nothing was seen.

    Attributes:
        bound: a limit that others are read against, not something that moves by itself.
    """

    name: str
    t_s: tuple[float, ...]
    value: tuple[float | None, ...]
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Heat:
    """How many requests took how long, over time.

    Attributes:
        edges_s: of the columns, one more than there are.
        edges_us: of the rows, one more than there are, in equal ratios.
        counts: by column, then row.
    """

    edges_s: tuple[float, ...]
    edges_us: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Tracks of one quantity on one scale, or a heat map."""

    title: str
    quantity: Quantity
    tracks: tuple[Track, ...]
    heat: Heat | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at an instant, or until ``until_s``."""

    at_s: float
    text: str
    kind: MarkKind
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """One trial over time: all its panels share the axis from 0 to ``length_s``.

    Attributes:
        key: names the trial within its document.
    """

    key: str
    label: str
    length_s: float
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """An instant of a trial, or the trial as a whole."""

    strip: str
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """What became of one trial's connections.

    Attributes:
        key: of its :class:`Strip`.
        asked, opened, failed, never_served, least, median, most: as in
            :class:`syncline.outcome.Connections`.
        unread: at most so many connections had bytes that the service did not read; None if
            nobody looked.
        queued: at most so many waited to be accepted; None likewise.
    """

    key: str
    label: str
    asked: int
    opened: int
    failed: int
    never_served: int
    least: int
    median: int
    most: int
    unread: int | None = None
    queued: int | None = None
