"""The schema of the file, from its classes: as JSON Schema for editors, as tables for people."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from syncline.config.values import Config, Key

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One key of the file.

    Attributes:
        section: as it stands in brackets, ``[service]`` or ``[[loads]]``; empty at the top.
        name, about, kind: of the key.
        default: as TOML; empty if there is none.
        required: whether it must be given.
    """

    section: str
    name: str
    about: str
    kind: str
    default: str
    required: bool


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``syncline.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "syncline.toml",
        **_of_table(Config),
    }


def entries() -> Iterator[Entry]:
    """Every key, section by section, in the order of the classes."""
    yield from _entries(Config, "", ())


def reference() -> str:
    """Every key as Markdown: a heading and a table for each section."""
    lines: list[str] = []
    section: str | None = None
    for entry in entries():
        if entry.section != section:
            section = entry.section
            title = f"`{section}`" if section else "At the top"
            lines += ["", f"### {title}", "", "| key | is | default | means |", "| --- |" * 4]
            lines[-1] = "| --- | --- | --- | --- |"
        default = "required" if entry.required else f"`{entry.default}`" if entry.default else ""
        cells = (f"`{entry.name}`", entry.kind, default, entry.about)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines).strip() + "\n"


def _fields(cls: type) -> Iterator[tuple[dataclasses.Field[Any], Any, Key]]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        kind, key = typing.get_args(hints[field.name])
        yield field, kind, key


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return None
    return None if field.default is dataclasses.MISSING else field.default


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _entries(cls: type, section: str, path: tuple[str, ...]) -> Iterator[Entry]:
    inner: list[tuple[type, str, tuple[str, ...]]] = []
    for field, kind, key in _fields(cls):
        table, listed = _table_in(kind)
        deeper = (*path, field.name)
        if table is not None:
            dotted = ".".join(deeper)
            inner.append((table, f"[[{dotted}]]" if listed else f"[{dotted}]", deeper))
            continue
        default = _default(field)
        shown = "" if default in (None, "", ()) else _toml(default)
        about = key.about
        if key.least is not None and key.least >= 1:
            about = f"{about[:-1]}, {key.least:g} or more."
        yield Entry(section, field.name, about, _words(kind, key), shown, _required(field))
    for table, title, deeper in inner:
        yield from _entries(table, title, deeper)


def _table_in(kind: Any) -> tuple[type | None, bool]:
    """The class of a table or of a list of tables, and whether it is a list."""
    for one in _alternatives(kind):
        if dataclasses.is_dataclass(one):
            return typing.cast(type, one), False
        if typing.get_origin(one) is tuple and dataclasses.is_dataclass(typing.get_args(one)[0]):
            return typing.get_args(one)[0], True
    return None, False


def _alternatives(kind: Any) -> tuple[Any, ...]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(one for one in typing.get_args(kind) if one is not type(None))
    return (kind,)


def _words(kind: Any, key: Key) -> str:
    return " or ".join(_word(one, key) for one in _alternatives(kind))


def _word(kind: Any, key: Key) -> str:
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return ", ".join(f"`{item}`" for item in typing.get_args(kind))
    if origin is tuple:
        return f"list of {_word(typing.get_args(kind)[0], key)}"
    if origin is Mapping or kind is Any:
        return "table" if origin is Mapping else "any value"
    if kind is str and key.form:
        return {"argv": "command", "url": "URL"}.get(key.form, key.form)
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[kind]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_table(cls: type) -> dict[str, Any]:
    properties = {}
    required = []
    for field, kind, key in _fields(cls):
        made = _of(kind, key)
        default = _default(field)
        plain = default not in (None, "", ()) and _table_in(kind)[0] is None
        properties[field.name] = {
            **made,
            "description": key.about,
            **(
                {"default": list(default) if isinstance(default, tuple) else default}
                if plain
                else {}
            ),
        }
        if _required(field):
            required.append(field.name)
    return {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split()),
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _of(kind: Any, key: Key) -> dict[str, Any]:
    kinds = _alternatives(kind)
    if len(kinds) > 1:
        return {"anyOf": [_of(one, key) for one in kinds]}
    kind = kinds[0]
    origin = typing.get_origin(kind)
    if typing.get_origin(kind) is Annotated:
        return _of(typing.get_args(kind)[0], key)
    if kind is Any:
        return {}
    if dataclasses.is_dataclass(kind):
        return _of_table(typing.cast(type, kind))
    if origin is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    if origin is tuple:
        return {"type": "array", "items": _of(typing.get_args(kind)[0], key)}
    if origin is Mapping:
        return {
            "type": "object",
            "additionalProperties": _of(typing.get_args(kind)[1], Key(key.about)),
        }
    made: dict[str, Any] = {"type": _SCALARS[kind]}
    if key.least is not None and kind in (int, float):
        made["minimum"] = key.least
    return made
