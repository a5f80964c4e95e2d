"""The page's scripts and styles: our own, and those of others with their licences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_BASE = ("base.js", "theme.js")
_OURS = (*_BASE, "chart.js", "timeline.js", "flame.js", "main.js")
_PLOTS = ("uplot.min.js",)
# In the order in which they need each other; only pages with flame graphs carry them.
_FLAMES = (
    *("d3-array", "d3-color", "d3-interpolate", "d3-format", "d3-time", "d3-time-format"),
    *("d3-scale", "d3-dispatch", "d3-ease", "d3-timer", "d3-selection", "d3-transition"),
    *("d3-hierarchy", "d3-flame-graph"),
)
_INJECTED = re.compile(r'createElement\("style"\);\w+\.textContent=`([^`]*)`')


@cache
def script() -> str:
    """Our own script, one function that leaves nothing behind."""
    return _enclosed(_text(f"assets/{name}") for name in _OURS)


def script_with(own: str) -> str:
    """A script of another page on what ours stand on: data, figures in words, colours, theme."""
    return _enclosed((*(_text(f"assets/{name}") for name in _BASE), own))


@cache
def style() -> str:
    """Our own style, after those that it changes."""
    return "\n".join((_text("vendor/uplot.min.css"), _text("assets/report.css")))


@cache
def vendored(*, plots: bool, flames: bool) -> tuple[str, ...]:
    """The scripts of others that a page needs, in order."""
    names = [*(_PLOTS if plots else ()), *(f"{name}.min.js" for name in _FLAMES if flames)]
    return tuple(_text(f"vendor/{name}") for name in names)


@cache
def injected_styles() -> tuple[str, ...]:
    """Styles that d3-flame-graph puts into the page by itself; the policy must know them."""
    return tuple(_INJECTED.findall(_text("vendor/d3-flame-graph.min.js")))


def _enclosed(parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


def _text(name: str) -> str:
    return files("syncline.report.html").joinpath(name).read_text(encoding="utf-8")
