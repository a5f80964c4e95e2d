"""The JSON Schemas of the files that ``--json`` writes, from the values that they are made of."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from scripts.reference.described import Field, Object, described, field_of
from syncline.outcome import LoadResult, Outcome
from syncline.plan import Plan
from syncline.record import RunRecord
from syncline.trial import Load, Trial

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_WITHOUT_SCHEDULE = tuple(one for one in described(Load).fields if one.name != "schedule")

LOAD_OF_TRIAL = Object(
    "Load",
    "What is sent to a variant, at one level.",
    (
        Field("schedule", typing.Literal["closed", "open"], "the kind of schedule."),
        Field("schedule_settings", dict[str, Any], "the schedule's other settings."),
        *_WITHOUT_SCHEDULE,
    ),
)
TRIAL = Object(
    "Trial",
    "One variant under one load, once, with everything that it left.",
    (
        Field("identity", str, "the hash of what was asked."),
        Field("variant", str, "the variant's name."),
        Field("load", LOAD_OF_TRIAL),
        *(field_of(Trial, name) for name in ("repeat", "seed", "phase", "about")),
        *(one for one in described(Outcome).fields if one.name != "profiles"),
    ),
)
RUN_FILE = Object(
    "Run",
    "What `syncline run --json` and `syncline report --json` write.",
    (
        Field("schema", typing.Literal[1], "the version of this contract, only ever added to."),
        field_of(RunRecord, "id"),
        Field("case", str, "the case's name."),
        *(
            field_of(RunRecord, name)
            for name in ("purpose", "status", "started", "ended", "command_line", "environment")
        ),
        Field("planned", int, "how many trials were asked for."),
        Field("trials", (TRIAL,), "those that were finished, in the order they ran."),
        *(field_of(RunRecord, name) for name in ("comparisons", "findings")),
    ),
)
LOAD_FILE = Object(
    "LoadFile",
    "What `syncline load --json` writes: the result of a load, and what was asked.",
    (
        Field("schema", typing.Literal[1], "the version of this contract, only ever added to."),
        Field("interrupted", bool, "whether Ctrl-C ended it early."),
        Field("plan", Plan, "what was asked, credentials masked."),
        *described(LoadResult).fields,
    ),
)


def schema_of(root: Object) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file; each object once, below ``$defs``."""
    objects = objects_below(root)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"#/$defs/{root.name}",
        "$defs": {one.name: _of_object(one) for one in objects},
    }


def objects_below(root: Object) -> tuple[Object, ...]:
    """The object and all that it is made of, each once, in the order of their first mention.

    Raises:
        ValueError: two of them have the same name.
    """
    found: dict[str, Object] = {}

    def visit(one: Object) -> None:
        if one.name in found:
            if found[one.name] != one:
                raise ValueError(f"two objects are named {one.name}")
            return
        found[one.name] = one
        for field in one.fields:
            for inner in _objects_in(field.kind):
                visit(inner)

    visit(root)
    return tuple(found.values())


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types that a value may be of; one type is its only alternative."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)


def item_of(kind: Any) -> Any:
    """What a list or a mapping holds; None if the kind is neither, or the list has fixed places."""
    if isinstance(kind, tuple):
        return kind[0]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return inner[0] if inner[1:] == (Ellipsis,) else None
    return inner[1] if is_mapping(kind) else None


def is_mapping(kind: Any) -> bool:
    """Whether it is an object with keys of its own."""
    return typing.get_origin(kind) in (dict, Mapping)


def as_object(kind: Any) -> Object | None:
    """The object that a kind is; None if it is none."""
    if isinstance(kind, Object):
        return kind
    return described(kind) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else None


def _objects_in(kind: Any) -> list[Object]:
    found = as_object(kind)
    if found is not None:
        return [found]
    if len(alternatives(kind)) > 1:
        return [one for each in alternatives(kind) for one in _objects_in(each)]
    item = item_of(kind)
    return [] if item is None else _objects_in(item)


def _of_object(one: Object) -> dict[str, Any]:
    properties = {}
    for field in one.fields:
        about = {"description": field.about.replace("``", "`")} if field.about else {}
        properties[field.name] = {**_of_kind(field.kind), **about}
    return {
        "type": "object",
        "description": one.about,
        "properties": properties,
        "required": [field.name for field in one.fields if field.always],
    }


def _of_kind(kind: Any) -> dict[str, Any]:
    found = as_object(kind)
    if found is not None:
        return {"$ref": f"#/$defs/{found.name}"}
    if len(alternatives(kind)) > 1:
        return {"anyOf": [_of_kind(one) for one in alternatives(kind)]}
    if kind in (Any, object):
        return {}
    if kind is type(None):
        return {"type": "null"}
    if typing.get_origin(kind) is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    item = item_of(kind)
    if is_mapping(kind):
        return {"type": "object", "additionalProperties": _of_kind(item)}
    if item is not None:
        return {"type": "array", "items": _of_kind(item)}
    if typing.get_origin(kind) is tuple:
        places = [_of_kind(one) for one in typing.get_args(kind)]
        return {"type": "array", "prefixItems": places, "minItems": len(places), "items": False}
    return {"type": _SCALARS[kind]}


RUN = schema_of(RUN_FILE)
LOAD = schema_of(LOAD_FILE)
