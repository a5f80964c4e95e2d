"""What there is to say of a value's fields: its type's hints, and the words of its docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from syncline.codec import LATER


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object in JSON.

    Attributes:
        kind: a type as the codec knows it, or an :class:`Object`.
        about: what it means, as prose; empty where the name says it.
        always: whether it is there also when it is empty.
    """

    name: str
    kind: Any
    about: str = ""
    always: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """An object in JSON: a dataclass's, or one that is put together for a file."""

    name: str
    about: str
    fields: tuple[Field, ...]


def described(cls: type) -> Object:
    """A dataclass as the codec writes it.

    Raises:
        ValueError: its docstring tells of a field that it does not have.
    """
    hints = typing.get_type_hints(cls)
    about, abouts = _docstring(cls)
    names = [one.name for one in dataclasses.fields(cls)]
    if strange := set(abouts) - set(names):
        raise ValueError(f"{cls.__name__} documents {', '.join(sorted(strange))}, and has none")
    fields = tuple(
        Field(one.name, hints[one.name], abouts.get(one.name, ""), one.metadata != LATER)
        for one in dataclasses.fields(cls)
    )
    return Object(cls.__name__, about, fields)


def field_of(cls: type, name: str) -> Field:
    """One field of a dataclass."""
    return next(one for one in described(cls).fields if one.name == name)


def _docstring(cls: type) -> tuple[str, dict[str, str]]:
    """The first paragraph, and the entries of ``Attributes``; one may be for several names."""
    head, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:")
    about = " ".join(head.split("\n\n")[0].split())
    if about.startswith(f"{cls.__name__}("):
        about = ""  # what dataclass itself writes
    found = dict(_entries(rest))
    return about, found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\n    (?=\w)", text):
        names, colon, about = entry.strip().partition(":")
        if colon:
            for name in names.split(","):
                yield name.strip(), " ".join(about.split())
