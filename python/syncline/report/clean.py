"""Texts of strangers made harmless, once, at the edge where they are shown.

Names, URLs, header lines, log lines and error texts come from the service under test and from
files; each may carry terminal escapes, Markdown, or spreadsheet formulas. The document tree
holds them as they are, and each renderer passes every text through its function here.
"""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|&(?=#?\w+;)")
_LINE_START = re.compile(r"^(\s*)([#+=-]|\d+[.)])(?=\s|$)")
_FORMULA = ("=", "+", "-", "@")


def plain(text: str) -> str:
    """One line without control characters: each is shown as its escape, none is obeyed.

    What ``str.isprintable`` refuses is replaced: C0 and C1 controls (escape sequences), bidi
    overrides, line separators, lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def lines(text: str) -> tuple[str, ...]:
    """Like :func:`plain`, but line ends are kept as lines and tabs as spaces."""
    return tuple(plain(line) for line in text.expandtabs(4).split("\n"))


def markdown(text: str) -> str:
    """Text that Markdown shows as it stands: no markup, no HTML, no table breaks."""
    escaped = _MARKDOWN.sub(lambda found: "\\" + found.group(), plain(text))
    return _LINE_START.sub(_escaped_start, escaped)


def markdown_code(text: str) -> str:
    """A code span around any text, also inside a table (where ``|`` still needs its escape)."""
    inner = plain(text).replace("|", "\\|")
    runs = [len(run) for run in re.findall(r"`+", inner)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}" if inner else ""


def csv(text: str) -> str:
    """A cell that a spreadsheet takes as text, never as a formula."""
    cleaned = plain(text)
    return "'" + cleaned if cleaned.lstrip().startswith(_FORMULA) else cleaned


def _escaped(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if char in short:
        return short[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped_start(found: re.Match[str]) -> str:
    mark = found.group(2)
    return f"{found.group(1)}{mark[:-1]}\\{mark[-1]}"
