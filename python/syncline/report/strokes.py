"""Bars and sparklines out of block characters."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_UNKNOWN = " "


def bar(value: float, top: float, width: int) -> str:
    """A bar from zero; something above zero is never invisible."""
    if not value > 0 or not top > 0:
        return ""
    eighths = max(1, round(min(1.0, value / top) * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def spark(values: Sequence[float | None], width: int) -> str:
    """A line over time from zero up, at most ``width`` long; gaps stay gaps."""
    merged = _merged(values, width)
    top = max((value for value in merged if value is not None), default=0.0)
    return "".join(_UNKNOWN if value is None else _level(value, top) for value in merged)


def _level(value: float, top: float) -> str:
    if not top > 0:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int(value / top * len(_LEVELS)))]


def _merged(values: Sequence[float | None], width: int) -> list[float | None]:
    """Neighbours averaged until the line fits."""
    if len(values) <= width:
        return list(values)
    merged: list[float | None] = []
    for slot in range(width):
        first = slot * len(values) // width
        last = max(first + 1, (slot + 1) * len(values) // width)
        known = [value for value in values[first:last] if value is not None]
        merged.append(sum(known) / len(known) if known else None)
    return merged
