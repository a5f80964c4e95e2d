"""Folded stacks in the formats of other tools: Brendan Gregg's text, and speedscope's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncline.errors import PlanError
from syncline.folded import Folded, Frame, Measure

# py-spy writes "name (file:line)", and "name (library)" for native frames.
_FRAME = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)", re.DOTALL)
_LINE = re.compile(r"(?P<stack>.+) (?P<weight>\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
# speedscope knows these units; what is neither time nor bytes has none.
_UNITS: dict[Measure, str] = {
    "cpu_s": "seconds",
    "wait_s": "seconds",
    "bytes": "bytes",
    "allocations": "none",
    "remaining_bytes": "bytes",
}


def folded_text(folded: Folded) -> str:
    """A line for each stack: its frames, outermost first, between semicolons, and its weight."""
    lines = (f"{';'.join(map(_text, stack))} {weight:.9g}\n" for stack, weight in folded.stacks())
    return "".join(lines)


def from_folded_text(text: str, scale: float = 1.0) -> Folded:
    """The stacks of such a text, as :func:`folded_text` and ``py-spy --format raw`` write it.

    Args:
        scale: what one unit of the text's weights is worth.

    Raises:
        PlanError: a line is no stack with its weight; it is named by its number.
    """
    return Folded.of(_read(text, scale))


def speedscope(folded: Folded, *, name: str, measure: Measure) -> dict[str, Any]:
    """The JSON of https://www.speedscope.app/file-format-schema.json, of the kind "sampled"."""
    stacks = list(folded.stacks())
    numbers: dict[Frame, int] = {}
    samples = [[numbers.setdefault(frame, len(numbers)) for frame in stack] for stack, _ in stacks]
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "exporter": "syncline",
        "activeProfileIndex": 0,
        "shared": {"frames": [_speedscope_frame(frame) for frame in numbers]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": _UNITS[measure],
                "startValue": 0,
                "endValue": sum(weight for _, weight in stacks),
                "samples": samples,
                "weights": [weight for _, weight in stacks],
            }
        ],
    }


def _text(frame: Frame) -> str:
    where = f"{frame.file}:{frame.line}" if frame.line else frame.file
    text = f"{frame.name} ({where})" if frame.file else frame.name
    # The format has no way to write these three within a frame.
    return text.translate({ord(";"): ",", ord("\n"): " ", ord("\r"): " "})


def _read(text: str, scale: float) -> Iterator[tuple[tuple[Frame, ...], float]]:
    # Not splitlines(): a function's name may hold what it takes for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            raise PlanError(
                f"line {number} of the folded stacks is no stack with its weight after it."
            )
        yield tuple(map(_frame, found["stack"].split(";"))), float(found["weight"]) * scale


def _frame(text: str) -> Frame:
    found = _FRAME.fullmatch(text)
    if found is None:
        return Frame(text)
    return Frame(found["name"], found["file"], int(found["line"] or 0))


def _speedscope_frame(frame: Frame) -> dict[str, Any]:
    described: dict[str, Any] = {"name": frame.name}
    if frame.file:
        described["file"] = frame.file
    if frame.line:
        described["line"] = frame.line
    return described
