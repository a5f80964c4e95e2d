"""Parameter types of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from syncline.errors import UsageError
from syncline.notation import duration_s, header, rate_range, stages, statuses

MOST_WORKERS = 256


def form_field(text: str) -> tuple[str, str]:
    """Name and value of ``name=value``."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is no form field; write name=value.")
    return name, value


def setting(text: str) -> tuple[str, str]:
    """Name and value of ``name=value``; what names there are, the case knows.

    Raises:
        UsageError: there is no ``=``, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text!r} is no setting; write NAME=VALUE, such as rows=100.")
    return name.strip(), value.strip()


def some_of(*known: str) -> Callable[[str], tuple[str, ...]]:
    """A parser of words among the known ones, such as ``uvicorn,granian``; each once."""

    def parse(text: str) -> tuple[str, ...]:
        words = [word.strip().lower() for word in text.split(",")]
        for word in words:
            if word not in known:
                raise UsageError(f"{word!r} is none of: {', '.join(known)}.")
        return tuple(dict.fromkeys(words))

    return parse


def workers(text: str) -> tuple[int, ...]:
    """Numbers of worker processes of ``1,2,4``; each once.

    Raises:
        UsageError: one is no whole number from 1 to MOST_WORKERS.
    """
    found = []
    for word in (part.strip() for part in text.split(",")):
        if not (word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= MOST_WORKERS):
            raise UsageError(
                f"{word!r} is no number of workers; write whole numbers from 1 to "
                f"{MOST_WORKERS}, such as 1,2,4."
            )
        found.append(int(word))
    return tuple(dict.fromkeys(found))


def cpus(text: str) -> tuple[int, ...]:
    """Numbers of processors of ``0,2``, in that order; each once.

    Raises:
        UsageError: one is no whole number.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) <= 5 for word in words):
        raise UsageError(f"{text!r} is no list of processors; write their numbers, such as 0,1.")
    return tuple(dict.fromkeys(map(int, words)))


class Parsed(click.ParamType[Any]):
    """A click type out of one of this module's functions; its errors become click's."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; values that are no text (defaults) pass."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


DURATION = Parsed("duration", duration_s)
RATE = Parsed("rate", rate_range)
STAGES = Parsed("stages", stages)
HEADER = Parsed("header", header)
STATUSES = Parsed("statuses", statuses)
FORM_FIELD = Parsed("name=value", form_field)
SETTING = Parsed("name=value", setting)
WORKERS = Parsed("list", workers)
CPUS = Parsed("list", cpus)
