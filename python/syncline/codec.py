"""Frozen values to JSON and back, checked on the way in.

The values of this package are trees of frozen dataclasses, tuples, string-keyed dictionaries
and scalars. :func:`to_json` writes such a tree as plain JSON data; :func:`from_json` rebuilds
it and refuses, by path and in one sentence, whatever does not fit: an unknown field, a
missing one, a value of another type.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from syncline.errors import PlanError

T = TypeVar("T")

LATER: Mapping[str, bool] = types.MappingProxyType({"later": True})
"""The metadata of a field that was added to a value that has identities in stores: it is left
out while it is empty, so what asks for nothing new stays what it was."""


def to_json(value: object) -> Any:
    """The value as JSON data: dictionaries, lists, strings, numbers, booleans, None.

    Raises:
        TypeError: the tree holds something that has no JSON form; NaN and infinities
            among them, since absent knowledge is ``None``.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_json(item)
            for f in dataclasses.fields(value)
            if (item := getattr(value, f.name)) or f.metadata != LATER
        }
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} has no JSON form; absent knowledge is None")
        return value
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(cls: type[T], data: object, where: str = "") -> T:
    """An instance of ``cls`` from JSON data.

    Args:
        cls: a dataclass of this package.
        data: what :func:`to_json` gave, or its like from a file.
        where: the path of ``data`` in its document, for messages; the class's name by default.

    Raises:
        PlanError: the data do not fit; the message names the path.
    """
    result = _decode(cls, data, where or cls.__name__.lower())
    return typing.cast(T, result)


def canonical(value: object) -> str:
    """The value as JSON text of one spelling only: sorted keys, no spaces."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def identity(value: object) -> str:
    """A name for what the value asks: 20 hexadecimal digits of the SHA-256 of its JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:20]


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _decode(kind: Any, data: object, where: str) -> object:
    if kind is Any or kind is object:
        return data
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), data, where)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), data, where)
    if origin is typing.Literal:
        allowed = typing.get_args(kind)
        if data not in allowed:
            names = ", ".join(repr(item) for item in allowed)
            raise PlanError(f"{where} is {data!r}; it must be one of {names}.")
        return data
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), data, where)
    if origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(data, dict):
            raise _mismatch(where, "an object", data)
        _, item_kind = typing.get_args(kind)
        return {key: _decode(item_kind, item, f"{where}.{key}") for key, item in data.items()}
    return _decode_scalar(kind, data, where)


def _decode_dataclass(cls: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise _mismatch(where, "an object", data)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for name in data:
        if name not in fields:
            known = ", ".join(sorted(fields))
            raise PlanError(f"{where} has an unknown field {name!r}; known are: {known}.")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _decode(_hints(cls)[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise PlanError(f"{where} lacks the field {name!r}.")
    try:
        return cls(**values)
    except PlanError as error:
        raise PlanError(f"{where}: {error}") from None


def _decode_union(kinds: tuple[Any, ...], data: object, where: str) -> object:
    if data is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    if len(kinds) > 1 and isinstance(data, dict) and all(map(dataclasses.is_dataclass, kinds)):
        # Unions of dataclasses are tagged: each class has a Literal field named "kind".
        for kind in kinds:
            if data.get("kind") in typing.get_args(_hints(kind)["kind"]):
                return _decode(kind, data, where)
        tags = ", ".join(repr(typing.get_args(_hints(kind)["kind"])[0]) for kind in kinds)
        raise PlanError(f"{where}.kind is {data.get('kind')!r}; it must be one of {tags}.")
    errors = []
    for kind in kinds:
        try:
            return _decode(kind, data, where)
        except PlanError as error:
            errors.append(error)
    raise errors[-1]


def _decode_tuple(kinds: tuple[Any, ...], data: object, where: str) -> object:
    if not isinstance(data, list | tuple):
        raise _mismatch(where, "a list", data)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if len(data) != len(kinds):
        raise PlanError(f"{where} has {len(data)} items; it must have {len(kinds)}.")
    pairs = zip(kinds, data, strict=True)
    return tuple(_decode(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(pairs))


def _decode_scalar(kind: type, data: object, where: str) -> object:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is int and isinstance(data, bool):
        raise _mismatch(where, "a whole number", data)
    if isinstance(data, kind):
        if isinstance(data, float) and not math.isfinite(data):
            raise PlanError(f"{where} is {data}; it must be a finite number.")
        return data
    names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    raise _mismatch(where, names.get(kind, kind.__name__), data)


def _mismatch(where: str, wanted: str, data: object) -> PlanError:
    shown = repr(data)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return PlanError(f"{where} is {shown}; it must be {wanted}.")
