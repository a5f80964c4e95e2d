"""Graphics as JSON for the page's script: numbers by column, no text that is not needed."""

from __future__ import annotations

from typing import Any

from syncline.report.document import Chart, Flame, Timeline
from syncline.report.graphics import Axis, Line, Panel, Strip

Tree = dict[str, Any]


def chart_data(chart: Chart) -> Tree:
    """A chart's axes and views."""
    return {
        "title": chart.title,
        "x": _axis(chart.x),
        "y": _axis(chart.y),
        "views": [
            {"label": view.label, "lines": [_line(line) for line in view.lines]}
            for view in chart.views
        ],
    }


def timeline_data(timeline: Timeline) -> Tree:
    """A timeline's strips, whose keys become short: their places in the list."""
    return {
        "title": timeline.title,
        "chosen": timeline.chosen,
        "strips": [_strip(strip) for strip in timeline.strips],
    }


def flame_data(flame: Flame) -> Tree:
    """The tree that d3-flame-graph draws; ``delta`` is a share's change in parts of a million."""
    root: Tree = {"name": "all", "value": 0, "children": {}}
    total = sum(number for _, number in flame.stacks) or 1
    before = sum(number for _, number in flame.against or ()) or 1
    for frames, number in flame.stacks:
        _grow(root, frames, number, number / total)
    for frames, number in flame.against or ():
        _grow(root, frames, 0, -number / before)
    compared = flame.against is not None
    return {"title": flame.title, "unit": flame.unit, "compared": compared, "root": _listed(root)}


def _grow(root: Tree, frames: tuple[str, ...], number: int, share: float) -> None:
    node = root
    for name in ("", *frames):
        if name or node is not root:
            node = node["children"].setdefault(name, {"name": name, "value": 0, "children": {}})
        node["value"] += number
        node["delta"] = node.get("delta", 0.0) + share


def _listed(node: Tree) -> Tree:
    children = [_listed(child) for child in node["children"].values() if child["value"]]
    delta = round(node.get("delta", 0.0) * 1e6)
    return {"name": node["name"], "value": node["value"], "delta": delta, "children": children}


def _axis(axis: Axis) -> Tree:
    return {"title": axis.title, "quantity": axis.quantity, "log": axis.log}


def _line(line: Line) -> Tree:
    return {
        "name": line.name,
        "hue": line.hue,
        "dashed": line.dashed,
        "thin": line.thin,
        "x": [point.x for point in line.points],
        "y": [point.y for point in line.points],
        "low": [point.low for point in line.points],
        "high": [point.high for point in line.points],
        "note": [point.note for point in line.points],
    }


def _strip(strip: Strip) -> Tree:
    return {
        "key": strip.key,
        "label": strip.label,
        "length": strip.length_s,
        "panels": [_panel(panel) for panel in strip.panels],
        "marks": [
            {"at": mark.at_s, "until": mark.until_s, "text": mark.text, "kind": mark.kind}
            for mark in strip.marks
        ],
    }


def _panel(panel: Panel) -> Tree:
    heat = panel.heat
    return {
        "title": panel.title,
        "quantity": panel.quantity,
        "tracks": [
            {"name": track.name, "bound": track.bound, "t": track.t_s, "v": track.value}
            for track in panel.tracks
        ],
        "heat": heat and {"t": heat.edges_s, "us": heat.edges_us, "n": heat.counts},
    }
