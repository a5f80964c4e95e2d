"""A file's text to a :class:`Config`, or one sentence: file, line, key, and what is allowed."""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
import tomllib
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any

from syncline.config.lines import Path, lines_of
from syncline.config.values import Config, Form, Key
from syncline.errors import UsageError
from syncline.notation import duration_s, rate_range, stages
from syncline.objective import parse_objective
from syncline.steps import Capture
from syncline.steps import Source as CaptureSource

PYPROJECT = "pyproject.toml"
_SECTION: Path = ("tool", "syncline")
_SHOWN = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from, for messages.

    Attributes:
        name: of the file.
        lines: by path, the line.
        root: the path of all that is Syncline's in it.
    """

    name: str
    lines: Mapping[Path, int]
    root: Path = ()

    def error(self, path: Path, what: str) -> UsageError:
        """The sentence for a value: where it is, and what is wrong with it."""
        known = path
        while (*self.root, *known) not in self.lines and known:
            known = known[:-1]
        line = self.lines.get((*self.root, *known))
        place = f"{self.name}:{line}" if line else self.name
        return UsageError(f"{place}: {what}")


def has_section(text: str) -> bool:
    """Whether a ``pyproject.toml`` has a section for Syncline; one that is no TOML has none."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    tool = data.get("tool")
    return isinstance(tool, dict) and "syncline" in tool


def read_config(text: str, name: str) -> tuple[Config, Source]:
    """The configuration in a file's text, and where each of its keys stands.

    Args:
        name: of the file; of ``pyproject.toml`` only ``[tool.syncline]`` is read.

    Raises:
        UsageError: it is no TOML, a key is unknown or missing, or a value cannot be; with the
            file, the line, and what is allowed.
    """
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(name, str(error)) from None
    root: Path = _SECTION if name.endswith(PYPROJECT) else ()
    for key in root:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    source = Source(name, lines_of(text), root)
    config = _Reader(source).read(Config, data, ())
    return typing.cast(Config, config), source


def _syntax(name: str, text: str) -> UsageError:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", text)
    if found is None:
        return UsageError(f"{name}: this is no TOML: {text}.")
    what = text[: found.start()]
    return UsageError(f"{name}:{found[1]}: this is no TOML: {what}, in column {found[2]}.")


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, kind: Any, data: object, path: Path, key: Key | None = None) -> object:
        """The value of this kind that the data are.

        Raises:
            UsageError: they are none.
        """
        if typing.get_origin(kind) is Annotated:
            kind, key = typing.get_args(kind)
        if kind is Any:
            return data
        if dataclasses.is_dataclass(kind):
            return self._table(typing.cast(type, kind), data, path)
        origin = typing.get_origin(kind)
        if origin in (typing.Union, types.UnionType):
            return self._union(typing.get_args(kind), data, path, key)
        if origin is typing.Literal:
            return self._choice(typing.get_args(kind), data, path)
        if origin is tuple:
            return self._list(typing.get_args(kind)[0], data, path, key)
        if origin is Mapping:
            return self._mapping(typing.get_args(kind)[1], data, path, key)
        return self._scalar(kind, data, path, key)

    def _table(self, cls: type, data: object, path: Path) -> object:
        if not isinstance(data, dict):
            raise self._mismatch(path, "a table", data)
        hints = typing.get_type_hints(cls, include_extras=True)
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for name in data:
            if name not in fields:
                raise self._source.error((*path, name), _unknown(name, path, list(fields)))
        for name, field in fields.items():
            required = (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            )
            if required and name not in data:
                raise self._source.error(path, f"{_section(path)} lacks the key {name!r}.")
        return cls(**{name: self.read(hints[name], data[name], (*path, name)) for name in data})

    def _union(self, kinds: tuple[Any, ...], data: object, path: Path, key: Key | None) -> object:
        kinds = tuple(kind for kind in kinds if kind is not type(None))
        fitting = [kind for kind in kinds if _fits(kind, data)]
        if not fitting:
            raise self._mismatch(path, " or ".join(_word(kind) for kind in kinds), data)
        return self.read(fitting[0], data, path, key)

    def _choice(self, allowed: tuple[object, ...], data: object, path: Path) -> object:
        if data not in allowed:
            words = [str(item) for item in allowed]
            hint = _meant(str(data), words)
            raise self._source.error(
                path, f"{_dotted(path)} is {data!r}; it may be {', '.join(words)}.{hint}"
            )
        return data

    def _list(self, kind: Any, data: object, path: Path, key: Key | None) -> object:
        if not isinstance(data, list):
            raise self._mismatch(path, f"a list of {_word(kind, many=True)}", data)
        return tuple(self.read(kind, item, (*path, at), key) for at, item in enumerate(data))

    def _mapping(self, kind: Any, data: object, path: Path, key: Key | None) -> object:
        if not isinstance(data, dict):
            raise self._mismatch(path, "a table", data)
        if key is not None and key.form == "capture":
            for name, text in data.items():
                self._check("capture", text, (*path, name))
        return {name: self.read(kind, item, (*path, name)) for name, item in data.items()}

    def _scalar(self, kind: type, data: object, path: Path, key: Key | None) -> object:
        if not _fits(kind, data):
            raise self._mismatch(path, _word(kind), data)
        if key is not None and key.form:
            self._check(key.form, data, path)
        if key is not None and key.least is not None and typing.cast(float, data) < key.least:
            raise self._source.error(
                path, f"{_dotted(path)} is {data}; it must be {key.least:g} or more."
            )
        return float(data) if kind is float and isinstance(data, int) else data

    def _check(self, form: Form, data: object, path: Path) -> None:
        try:
            if form == "capture":
                capture_of(str(path[-1]), data)
            elif form == "objective":
                parse_objective(str(data))
            elif form == "duration" and isinstance(data, str):
                duration_s(data)
            elif form == "rate":
                rate_range(str(data))
            elif form == "stages":
                stages(str(data))
            elif form == "argv" and isinstance(data, str):
                argv_of(data)
        except UsageError as error:
            raise self._source.error(path, f"{_dotted(path)}: {error}") from None

    def _mismatch(self, path: Path, wanted: str, data: object) -> UsageError:
        shown = repr(data)
        shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
        name = _dotted(path) or "the file"
        return self._source.error(path, f"{name} is {shown}; it must be {wanted}.")


def argv_of(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command, as a shell would tell them apart; no shell ever sees it.

    Raises:
        UsageError: a quote is not closed, or there is no word.
    """
    if not isinstance(command, str):
        words = command
    else:
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise UsageError(f"{command!r} is no command: {error}.") from None
    if not words:
        raise UsageError("a command is empty; write the program and its arguments.")
    return words


def capture_of(name: str, text: object) -> Capture:
    """The capture that ``json:access_token`` and its like ask for.

    Raises:
        UsageError: it is none.
    """
    source, colon, expression = str(text).partition(":")
    if source not in ("json", "header", "cookie", "regex") or not colon or not expression:
        raise UsageError(
            f"{text!r} says not what to take; write json:PATH, header:NAME, cookie:NAME or "
            "regex:EXPRESSION."
        )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
        raise UsageError(f"{name!r} cannot name a capture; use letters, digits and _.")
    return Capture(name, typing.cast(CaptureSource, source), expression)


def _unknown(name: str, path: Path, known: list[str]) -> str:
    hint = _meant(name, known)
    return f"{_section(path)} has no key {name!r}; known are: {', '.join(known)}.{hint}"


def _meant(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def _section(path: Path) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"[[{_dotted(path[:-1])}]]"
    return f"[{_dotted(path)}]"


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _fits(kind: Any, data: object) -> bool:
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if kind is Any:
        return True
    if dataclasses.is_dataclass(kind) or typing.get_origin(kind) is Mapping:
        return isinstance(data, dict)
    if typing.get_origin(kind) is tuple:
        return isinstance(data, list)
    if typing.get_origin(kind) is typing.Literal:
        return isinstance(data, str)
    if isinstance(data, bool) and kind is not bool:
        return False
    if kind is float:
        return isinstance(data, int | float)
    return isinstance(data, kind)


def _word(kind: Any, *, many: bool = False) -> str:
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if dataclasses.is_dataclass(kind) or typing.get_origin(kind) is Mapping:
        return "tables" if many else "a table"
    origin = typing.get_origin(kind)
    if origin is tuple:
        return f"a list of {_word(typing.get_args(kind)[0], many=True)}"
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, typing.get_args(kind)))}"
    names = {
        str: ("text in quotes", "texts in quotes"),
        int: ("a whole number", "whole numbers"),
        float: ("a number", "numbers"),
        bool: ("true or false", "true or false"),
    }
    return names[kind][many] if kind in names else str(kind)
