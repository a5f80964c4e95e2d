"""Parameters that name a case or what belongs to one, and complete in the shell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args
from urllib.parse import urlsplit

import click
from click.shell_completion import CompletionItem

import syncline_cases
from syncline.cli.parameters import SETTING, Parsed, some_of
from syncline.errors import UsageError
from syncline.mask import mask
from syncline.trial import Case, Loop, Server

_SCHEMES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mariadb": "mariadb",
    "mysql": "mariadb",
    "redis": "valkey",
    "valkey": "valkey",
}


def complete_case(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The cases that begin so, each with its title."""
    return [
        CompletionItem(name, help=syncline_cases.load_case(name).title)
        for name in syncline_cases.names()
        if name.startswith(incomplete)
    ]


def complete_variant(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The variants of the case on the command line that begin so."""
    case = _case_typed(ctx)
    titles = {variant.name: variant.title for variant in case.variants} if case else {}
    return _beginning(titles, incomplete)


def complete_setting(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The settings of the case on the command line that begin so."""
    case = _case_typed(ctx)
    known = {f"{name}=": text for name, text in case.settings.items()} if case else {}
    return _beginning(known, incomplete)


def complete_database(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The databases that the case on the command line can run on."""
    case = _case_typed(ctx)
    return _beginning(dict.fromkeys(case.databases if case else (), ""), incomplete)


def _case_typed(ctx: click.Context) -> Case | None:
    # While an option still lacks its value, click leaves the arguments before it unparsed.
    typed = [ctx.params.get("case"), *ctx.args]
    named = next((word for word in typed if word in syncline_cases.names()), None)
    return None if named is None else syncline_cases.load_case(named)


def _beginning(known: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=text)
        for name, text in known.items()
        if name.startswith(incomplete)
    ]


def levels(text: str) -> tuple[int, ...]:
    """Connections of ``1,12,48``; each once, in the order given.

    Raises:
        UsageError: one is no whole number from 1 to 1,000,000.
    """
    found = []
    for word in text.split(","):
        number = word.strip()
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= 1_000_000:
            raise UsageError(
                f"{word.strip()!r} is no number of connections; "
                "write whole numbers from 1 to 1000000, such as 1,12,48."
            )
        found.append(int(number))
    return tuple(dict.fromkeys(found))


def backend_url(text: str) -> tuple[str, str]:
    """The back end that a URL is of, and the URL.

    Raises:
        UsageError: it is no URL of a server that Syncline knows.
    """
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port  # a malformed one raises
    except ValueError as error:
        raise UsageError(f"{mask(text)!r} is no URL: {error}.") from error
    backend = _SCHEMES.get(parts.scheme.partition("+")[0])
    if backend is None or not host:
        raise UsageError(
            f"{mask(text)!r} is no database URL; write postgresql://USER@HOST:PORT/NAME."
        )
    return backend, text


LEVELS = Parsed("list", levels)
BACKEND_URL = Parsed("url", backend_url)
SERVERS = Parsed("list", some_of(*get_args(Server)))
LOOPS = Parsed("list", some_of(*get_args(Loop)))

setting_option = click.option(
    *("--set", "settings"),
    type=SETTING,
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=complete_setting,
    help="A setting of the case, such as a size: rows=1000; may be repeated. A wrong name is "
    "answered with those there are.",
)
database_option = click.option(
    "--database",
    metavar="NAME",
    shell_complete=complete_database,
    help="Run a case on another database than its usual one: authors on postgres.",
)
