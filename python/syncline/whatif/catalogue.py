"""What can be imposed, with which values, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from syncline.errors import UsageError
from syncline.trial import Loop, Server

By = Literal["probe", "launcher", "back end"]
Settings: TypeAlias = Mapping[str, str]

MOST_WORKERS = 256
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_ON = ("on", "true", "yes", "1")
_OFF = ("off", "false", "no", "0")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One setting that can be imposed.

    Attributes:
        name: what ``--what-if`` and a finding's fix call it.
        meaning: what it sets, in a line.
        values: what it may be set to, in words.
        example: a value.
        usual: what a service has if nobody sets it, in words.
        by: who imposes it; the probe also tells whether it took.
        read: the one spelling of a value, or None for one that is not allowed.
    """

    name: str
    meaning: str
    values: str
    example: str
    usual: str
    by: By
    read: Callable[[str], str | None]


def _whole(least: int, most: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            return None
        return str(int(text)) if least <= int(text) <= most else None

    return read


def _one_of(*words: str) -> Callable[[str], str | None]:
    return lambda text: text if text in words else None


def _switch(text: str) -> str | None:
    return "on" if text in _ON else "off" if text in _OFF else None


def _seconds(text: str) -> str | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return f"{number:g}" if 0 < number <= 3600 else None


def _or(words: tuple[str, ...], read: Callable[[str], str | None]) -> Callable[[str], str | None]:
    return lambda text: text if text in words else read(text)


_MANY = 1_000_000
# In this order they stand in a variant's name, so that it does not depend on who asked how.
_ALL = (
    WhatIf(
        "pool_size",
        "connections that each pool keeps (SQLAlchemy), or has at most (asyncpg, psycopg)",
        "a whole number from 1",
        "50",
        "SQLAlchemy 5, asyncpg 10, psycopg 4",
        "probe",
        _whole(1, _MANY),
    ),
    WhatIf(
        "max_overflow",
        "connections that a SQLAlchemy pool opens beyond its size",
        "a whole number from 0",
        "0",
        "10",
        "probe",
        _whole(0, _MANY),
    ),
    WhatIf(
        "pool_timeout",
        "how long a request waits for a connection before it fails (SQLAlchemy, psycopg)",
        "seconds, above 0",
        "5",
        "30",
        "probe",
        _seconds,
    ),
    WhatIf(
        "pool_pre_ping",
        "whether SQLAlchemy asks a connection if it lives before each use",
        "on or off",
        "off",
        "off",
        "probe",
        _switch,
    ),
    WhatIf(
        "tokens",
        "threads that AnyIO has for 'def' endpoints, dependencies and files",
        "a whole number from 1",
        "100",
        "40",
        "probe",
        _whole(1, _MANY),
    ),
    WhatIf(
        "admission",
        "requests inside the application at once, in each process; the rest wait in order",
        "a whole number from 1",
        "54",
        "no bound",
        "probe",
        _whole(1, _MANY),
    ),
    WhatIf(
        "echo",
        "whether SQLAlchemy logs each statement",
        "on or off",
        "off",
        "off",
        "probe",
        _switch,
    ),
    WhatIf(
        "gc_threshold",
        "how many objects more start a garbage collection; off: none; freeze: what is there "
        "after the first request is never looked at again",
        "a whole number from 1, off or freeze",
        "50000",
        "700 to 2000, by Python's version",
        "probe",
        _or(("off", "freeze"), _whole(1, 1_000_000_000)),
    ),
    WhatIf(
        "log_level",
        "the level below which nothing is logged, by the server or the application",
        ", ".join(LOG_LEVELS[:-1]) + " or " + LOG_LEVELS[-1],
        "warning",
        "info",
        "probe",
        _one_of(*LOG_LEVELS),
    ),
    WhatIf(
        "access_log",
        "whether the server logs each request",
        "on or off",
        "on",
        "off, under Syncline",
        "launcher",
        _switch,
    ),
    WhatIf(
        "keep_alive",
        "how long the server keeps an idle connection; off: each answer closes it",
        "whole seconds from 1, or off",
        "75",
        "uvicorn and hypercorn 5, gunicorn 2",
        "launcher",
        _or(("off",), _whole(1, 86_400)),
    ),
    WhatIf(
        "server",
        "what serves the application",
        ", ".join(get_args(Server)[:-1]) + " or " + get_args(Server)[-1],
        "granian",
        "uvicorn",
        "launcher",
        _one_of(*get_args(Server)),
    ),
    WhatIf(
        "workers",
        "worker processes",
        f"a whole number from 1 to {MOST_WORKERS}",
        "2",
        "1",
        "launcher",
        _whole(1, MOST_WORKERS),
    ),
    WhatIf(
        "loop",
        "the event loop",
        ", ".join(get_args(Loop)[:-1]) + " or " + get_args(Loop)[-1],
        "uvloop",
        "auto: uvloop if it is installed",
        "launcher",
        _one_of(*get_args(Loop)),
    ),
    WhatIf(
        "max_connections",
        "connections that the database (PostgreSQL, MariaDB) accepts",
        "a whole number from 10",
        "300",
        "PostgreSQL 100, MariaDB 151",
        "back end",
        _whole(10, 100_000),
    ),
)
CATALOGUE: Mapping[str, WhatIf] = {one.name: one for one in _ALL}
DATABASES = ("postgres", "mariadb")  # back ends that have max_connections


def parse(text: str) -> dict[str, str]:
    """The settings of ``pool_size=50`` or ``pool_size=50,tokens=100``.

    Raises:
        UsageError: a name or a value is not in the catalogue, or a name comes twice.
    """
    given: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name:
            raise UsageError(f"{part.strip()!r} is no what-if; write NAME=VALUE: pool_size=50.")
        name = name.lower().replace("-", "_")
        if name in given:
            raise UsageError(f"The what-if {name} is given twice in {text!r}; give one value.")
        given[name] = value
    return checked(given)


def checked(settings: Settings) -> dict[str, str]:
    """The same settings in the catalogue's order and spelling.

    Raises:
        UsageError: a name or a value is not in the catalogue.
    """
    for name in settings:
        if name not in CATALOGUE:
            known = ", ".join(CATALOGUE)
            raise UsageError(f"There is no what-if {name!r}; there are: {known}.")
    return {
        name: _value(one, settings[name]) for name, one in CATALOGUE.items() if name in settings
    }


def _value(one: WhatIf, text: str) -> str:
    value = one.read(text.strip().lower())
    if value is None:
        raise UsageError(f"The what-if {one.name} cannot be {text!r}; it is {one.values}.")
    return value
