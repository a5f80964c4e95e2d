"""Which service ``syncline run`` is about: a case that ships, or the user's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

import syncline_cases
from syncline.cli.offering import choose, offer_of_app, offer_of_command, offer_of_url, show_sent
from syncline.cli.own_case import as_case, base_variant, provisions
from syncline.cli.own_requests import Own, requests_of
from syncline.cli.parameters import HEADER
from syncline.config import Config, RequestOf, Service, Source, has_section, read_config
from syncline.errors import UsageError
from syncline.launch import AppFacts, find_service, interview
from syncline.openapi import Offer
from syncline.plan import Request
from syncline.process import Workspace
from syncline.provision import address_env
from syncline.trial import Case, Variant

CONFIG = "syncline.toml"
PYPROJECT = "pyproject.toml"

# Nothing answers there: an application that is only imported need not connect.
_NOWHERE = {
    "postgres": "postgresql://syncline@127.0.0.1:1/syncline",
    "mariadb": "mysql://syncline:syncline@127.0.0.1:1/syncline",
    "valkey": "redis://127.0.0.1:1/0",
}


@dataclass(frozen=True, slots=True)
class OwnAsked:
    """What the command line says of the user's own service; see the options' help."""

    url: str | None = None
    command: str | None = None
    paths: tuple[str, ...] = ()
    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    python: str | None = None
    working_dir: str | None = None
    config: Path | None = None
    allowed: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


_NAMES = {
    "service_url": "url",
    "service_command": "command",
    "paths": "paths",
    "request_method": "method",
    "request_headers": "headers",
    "service_python": "python",
    "working_dir": "working_dir",
    "config_file": "config",
    "i_may_load": "allowed",
}
_OPTIONS = (
    click.option(
        *("--url", "service_url"),
        metavar="URL",
        help="Load the service that runs there; with --command, where that one listens.",
    ),
    click.option(
        *("--command", "service_command"),
        metavar="WORDS",
        help="Start your service by this command, without a shell; {port} is filled in.",
    ),
    click.option(
        *("--path", "paths"),
        metavar="PATH",
        multiple=True,
        help="Send this path and query to your service; may be repeated.",
    ),
    click.option(
        *("-X", "--method", "request_method"),
        metavar="METHOD",
        help="Send the paths by this method instead of GET.",
    ),
    click.option(
        *("-H", "--header", "request_headers"),
        type=HEADER,
        metavar="'NAME: VALUE'",
        multiple=True,
        help="Send this header with every request to your service.",
    ),
    click.option(
        *("--python", "service_python"),
        metavar="PATH",
        help="The interpreter, or the virtual environment, that has your service's libraries.",
    ),
    click.option("--working-dir", metavar="DIR", help="Where your service is started."),
    click.option(
        *("--config", "config_file"),
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The description of your service, instead of ./syncline.toml.",
    ),
    click.option(
        "--i-may-load",
        metavar="HOST",
        multiple=True,
        help="Load this public host; say it only if its owner agrees.",
    ),
)


def own_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of one's own service; they arrive as one value, ``own``."""

    @functools.wraps(function)
    def gathered(**given: Any) -> Any:
        found = {name: given.pop(option) for option, name in _NAMES.items()}
        return function(**given, own=OwnAsked(**found))

    wrapped: Callable[..., Any] = gathered
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def resolve(
    word: str | None,
    asked: OwnAsked,
    *,
    choose: Callable[[Offer], tuple[Request, ...]] = choose,
    show: Callable[[tuple[Request, ...]], None] = show_sent,
) -> Case:
    """The case that the command line is about.

    A shipped case's name; else ``module:attribute`` or ``file.py:attribute``; without a word the
    URL, the command, or what the config file in this folder describes. What is found of one's
    own service is shown before anything is sent to it.

    Args:
        choose: which requests to send, of those that the service offers by itself.
        show: shows those that were described, before they are sent.

    Raises:
        UsageError: it is none of these, or what it describes cannot be.
        ConsentError: a URL is public, and nobody said that it may be loaded.
    """
    if word in syncline_cases.names():
        if asked != OwnAsked():
            raise UsageError(
                f"{word} is a case that ships, with requests of its own; --path, --url and the "
                "like are for your own service."
            )
        return syncline_cases.load_case(str(word))
    own = _asked(_base(word, asked), word, asked)
    variant = base_variant(own)
    described = requests_of(own)
    with Workspace.open() as workspace:
        facts = _facts(own, variant, workspace) if variant.app is not None else None
    if variant.url and not variant.command:
        _check_there(variant)
    if described:
        show(described)
    else:
        described = choose(_offered(own, variant, facts))
    return as_case(own, variant, facts, with_headers(described, asked.headers))


def _base(word: str | None, asked: OwnAsked) -> Own:
    """What a file says; nothing if the command line says all."""
    if asked.config is not None:
        return _from_file(asked.config, asked)
    if word is not None or asked.url is not None or asked.command is not None:
        return Own(Config(Service()), Source("the command line", {}), Path.cwd(), asked.allowed)
    for name in (CONFIG, PYPROJECT):
        path = Path(name)
        if path.is_file() and (name == CONFIG or has_section(_text(path))):
            return _from_file(path, asked)
    cases = ", ".join(syncline_cases.names())
    raise UsageError(
        f"There is no {CONFIG} in this folder. Name a case ({cases}) or your application "
        "(shop.main:app), give --url or --command, or have 'syncline init' write the file."
    )


def _from_file(path: Path, asked: OwnAsked) -> Own:
    config, source = read_file(path)
    return Own(config, source, path.resolve().parent, asked.allowed)


def read_file(path: Path) -> tuple[Config, Source]:
    """What a config file says, and where.

    Raises:
        UsageError: it cannot be read, or does not keep to the schema.
    """
    return read_config(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no UTF-8 text.") from None


def _asked(own: Own, word: str | None, asked: OwnAsked) -> Own:
    """The same with what the command line says over it."""
    service = own.config.service
    if word is not None:
        if ":" not in word:
            cases = ", ".join(syncline_cases.names())
            raise UsageError(
                f"There is no case {word!r}; there are: {cases}. An application of your own is "
                "named as module:attribute, such as shop.main:app, or file.py:attribute."
            )
        if asked.url is not None or asked.command is not None:
            raise UsageError(f"{word} excludes --url and --command; give one of them.")
        service = replace(service, app=word, command=None, url=None)
    elif asked.url is not None or asked.command is not None:
        service = replace(service, app=None, command=asked.command, url=asked.url)
    if asked.python is not None:
        service = replace(service, python=str(Path.cwd() / Path(asked.python).expanduser()))
    if asked.working_dir is not None:
        service = replace(service, working_dir=str(Path.cwd() / asked.working_dir))
    if asked.env:
        service = replace(service, env={**service.env, **dict(asked.env)})
    config = replace(own.config, service=service)
    if asked.paths:
        method = asked.method or "GET"
        made = tuple(RequestOf(path=path, method=method) for path in asked.paths)
        config = replace(
            config, requests=made, loads=tuple(replace(one, requests=()) for one in config.loads)
        )
    elif asked.method is not None:
        raise UsageError("--method says how the paths are sent; give them with --path.")
    return replace(own, config=config)


def with_headers(
    requests: tuple[Request, ...], headers: tuple[tuple[str, str], ...]
) -> tuple[Request, ...]:
    """The requests with these headers over their own."""
    named = {name.lower() for name, _ in headers}
    return tuple(
        replace(
            one,
            headers=(*(pair for pair in one.headers if pair[0].lower() not in named), *headers),
        )
        for one in requests
    )


def _facts(own: Own, variant: Variant, workspace: Workspace) -> AppFacts:
    try:
        return interview(str(variant.app), variant, _nowhere(own), workspace)
    except UsageError as error:
        # A word that names nothing is a slip; what fails inside the module may lack its settings.
        inside = ("cannot be imported (", "was called to make the application")
        if own.source.lines or not any(words in str(error) for words in inside):
            raise
        raise UsageError(
            f"{error} If it needs an environment variable or a database, 'syncline init' writes "
            "a file that provides them."
        ) from None


def _nowhere(own: Own) -> dict[str, str]:
    env: dict[str, str] = {}
    for name, provision in provisions(own).items():
        env.update(address_env(provision, _NOWHERE[name]))
    return env


def _check_there(variant: Variant) -> None:
    """Makes sure that the service may be loaded and is there; says what is not seen of it."""
    with find_service(replace(variant, ready_timeout_s=2.0)) as service:
        if not service.is_seen:
            click.echo(
                f"The processes behind {variant.url} cannot be seen from here: the report knows "
                "the answers, and nothing of what the service did.",
                err=True,
            )


def _offered(own: Own, variant: Variant, facts: AppFacts | None) -> Offer:
    openapi = own.config.service.openapi
    if openapi is False:
        return Offer(())
    if facts is not None:
        return offer_of_app(facts)
    path = openapi if isinstance(openapi, str) else "/openapi.json"
    if variant.command:
        return offer_of_command(variant, _nowhere(own), own.config.service.ready_path, path)
    return offer_of_url(variant.url, path)
