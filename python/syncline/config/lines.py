"""Where each key of a TOML document stands, for messages; the parser tells values only.

Expects a document that ``tomllib`` has accepted, and so needs no errors of its own.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_VOID = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n\r]+")
_ESCAPE = re.compile(r'\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[btnfr"\\])')
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def lines_of(text: str) -> dict[Path, int]:
    """By path (keys, and indices of lists), the line on which it is set, from 1."""
    return _Scan(text).run()


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_VOID)
        while self._at < len(self._text):
            if self._starts("[["):
                table = self._listed(self._header(2))
                self._mark(table)
            elif self._starts("["):
                table = self._current(self._header(1))
                self._mark(table)
            else:
                self._pair(table)
            self._skip(_VOID)
        return self._lines

    def _header(self, brackets: int) -> tuple[str, ...]:
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        return keys

    def _listed(self, keys: tuple[str, ...]) -> Path:
        """The path of one more item of a list of tables."""
        path = (*self._current(keys[:-1]), keys[-1])
        number = self._counts.get(path, 0)
        self._counts[path] = number + 1
        self._lines.setdefault(path, self._line())
        return (*path, number)

    def _current(self, keys: tuple[str, ...]) -> Path:
        """The path that a header means: of a list of tables its last item."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._at += 1  # the sign =
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._starts('"') or self._starts("'"):
            self._string()
        elif self._starts("["):
            self._at += 1
            number = 0
            self._skip(_VOID)
            while not self._starts("]"):
                self._mark((*path, number))
                self._value((*path, number))
                number += 1
                self._comma()
            self._at += 1
        elif self._starts("{"):
            self._at += 1
            self._skip(_VOID)
            while not self._starts("}"):
                self._pair(path)
                self._comma()
            self._at += 1
        else:
            self._skip(_SCALAR)

    def _comma(self) -> None:
        self._skip(_VOID)
        if self._starts(","):
            self._at += 1
            self._skip(_VOID)

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            self._skip(_SPACE)
            if self._starts('"') or self._starts("'"):
                keys.append(self._string())
            else:
                found = _BARE.match(self._text, self._at)
                keys.append(found[0] if found else "")
                self._at = found.end() if found else self._at + 1
            self._skip(_SPACE)
            if not self._starts("."):
                return tuple(keys)
            self._at += 1

    def _string(self) -> str:
        quote = self._text[self._at]
        mark = quote * 3 if self._starts(quote * 3) else quote
        begin = end = self._at + len(mark)
        while not self._text.startswith(mark, end):
            end += 2 if quote == '"' and self._text[end] == "\\" else 1
        while len(mark) == 3 and self._text[end + 3 : end + 4] == quote:
            end += 1  # a quote or two may stand right before the closing ones
        self._at = end + len(mark)
        text = self._text[begin:end]
        return _ESCAPE.sub(_unescaped, text) if quote == '"' else text

    def _starts(self, word: str) -> bool:
        return self._text.startswith(word, self._at)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()

    def _mark(self, path: Path) -> None:
        self._lines.setdefault(path, self._line())

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if code[0] in "uU" else _SHORT[code]
