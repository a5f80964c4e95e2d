"""The page of results as JSON: a table of keys for each object."""

from __future__ import annotations

import json
import re
import typing
from typing import Any

from scripts.reference.described import Object
from scripts.reference.markdown import GENERATED, prose, table
from scripts.reference.schema import (
    LOAD_FILE,
    RUN_FILE,
    alternatives,
    as_object,
    is_mapping,
    item_of,
    objects_below,
)

HEAD = """# Results as JSON

`--json FILE` writes what was measured; `-` is standard output. For editors and validators the same
is there as JSON Schema: [a run](../schema/run.schema.json), [a load](../schema/load.schema.json).
Keys are only ever added; a change of meaning would raise `schema`.

Names tell units: `_us` is microseconds, `_s` seconds since the load began, `_rps` per second. What
is not known is `null`, never 0 and never NaN. What always holds between the figures is in
[the contracts](../architecture.md#result-of-a-load). In Python the same are frozen dataclasses:
`syncline.load` returns a [LoadResult](#loadresult), which a [load's file](#loadfile) holds beside
its plan.

"""
_SCALARS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def values_page() -> str:
    """Every object of a run's and of a load's file."""
    objects = {one.name: one for root in (RUN_FILE, LOAD_FILE) for one in objects_below(root)}
    index = " · ".join(f"[{name}](#{name.lower()})" for name in objects)
    return GENERATED + HEAD + index + "\n" + "".join(map(_section, objects.values()))


def _section(one: Object) -> str:
    rows = (
        (f"`{field.name}`", _words(field.kind) + ("" if field.always else ", if any"), field.about)
        for field in one.fields
    )
    shown = table(("key", "is", "means"), ((key, kind, _prose(about)) for key, kind, about in rows))
    return f"\n## {one.name}\n\n{_prose(one.about)}\n\n{shown}"


def _prose(about: str) -> str:
    """What Python calls None is null in a file."""
    return prose(re.sub(r"\bNone\b", "null", about))


def _words(kind: Any) -> str:
    """The kind in words: ``list of [Trial](#trial)``."""
    found = as_object(kind)
    if found is not None:
        return f"[{found.name}](#{found.name.lower()})"
    if len(alternatives(kind)) > 1:
        return " or ".join(map(_words, alternatives(kind)))
    if kind in (Any, object):
        return "any value"
    if kind is type(None):
        return "null"
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(f"`{json.dumps(one)}`" for one in typing.get_args(kind))
    if is_mapping(kind):
        return f"object of {_words(item_of(kind))}"
    if item_of(kind) is not None:
        return f"list of {_words(item_of(kind))}"
    if typing.get_origin(kind) is tuple:
        return f"[{', '.join(map(_words, typing.get_args(kind)))}]"
    return _SCALARS[kind]
