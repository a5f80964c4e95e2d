"""The little Markdown that the references are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make reference`; change the code instead. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would end a cell is escaped."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "".join(f"- {prose(item)}\n" for item in items)


def prose(text: str) -> str:
    """Text as it stands: what Markdown or HTML would take for its own is escaped.

    Addresses become links; code spans of docstrings (two backticks) become Markdown's.
    """
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    parts = re.split(r"(`[^`]*`|https?://\S+)", text)
    return "".join(_linked(part) for part in parts)


def _linked(part: str) -> str:
    if part.startswith("`"):
        return part
    if part.startswith("http"):
        return f"<{part}>"
    return re.sub(r"([\\*|]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!]))", r"\\\1", part)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
