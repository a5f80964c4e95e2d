"""A strip of a timeline where nothing can be drawn: a small line per track, and the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from syncline.report import units
from syncline.report.document import Facts, Node, Sentence, Sparkline
from syncline.report.graphics import Panel, Quantity, Strip, Track

_SHOWN = 12
_MARKS = 6

FORMATS: Mapping[Quantity, Callable[[float | None], str]] = {
    "rate": units.rate,
    "count": units.count,
    "duration_us": units.duration,
    "size": units.size,
    "share": units.share,
    "cores": lambda value: units.ABSENT if value is None else units.significant(value),
    "one_in": lambda value: units.ABSENT if value is None else units.significant(value),
}
"""Figures of each quantity in words."""


def strip_words(strip: Strip) -> Iterator[Node]:
    """The first tracks of each panel as sparklines, then what happened when."""
    lines = [line for panel in strip.panels for line in _panel(panel)]
    width = max((len(line.label) for line in lines), default=0)
    for line in lines[:_SHOWN]:
        yield Sparkline(line.label.ljust(width), line.values, line.caption)
    told = [mark for mark in strip.marks if mark.kind not in ("warmup", "blocked")]
    told += [mark for mark in strip.marks if mark.kind == "blocked"][:2]
    if told:
        rows = ((units.span(mark.at_s), Sentence(mark.text)) for mark in told[:_MARKS])
        yield Facts(tuple(rows))


def _panel(panel: Panel) -> Iterator[Sparkline]:
    for track in panel.tracks:
        known = [value for value in track.value if value is not None]
        if track.bound or not known or not any(known):
            continue
        form = FORMATS[panel.quantity]
        bound = _bound(panel)
        of = f" of {form(bound)}" if bound is not None and not track.name.startswith("wait") else ""
        caption = f"{form(min(known))} to {form(max(known))}{of}"
        yield Sparkline(f"{panel.title}, {track.name}", track.value, caption)


def _bound(panel: Panel) -> float | None:
    bounds: list[Track] = [track for track in panel.tracks if track.bound]
    known = [value for track in bounds for value in track.value if value is not None]
    return max(known, default=None) if panel.quantity == "count" else None
