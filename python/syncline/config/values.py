"""What ``syncline.toml`` can hold: these classes are its schema, its check and its reference.

Each key is a field; its annotation says what is allowed, and the :class:`Key` in it what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from syncline.trial import Interface, Loop, Server

Form = Literal["", "duration", "rate", "stages", "argv", "path", "objective", "capture", "url"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means, and what a text in it must look like.

    Attributes:
        about: for the reference and editors, a sentence.
        form: how its text is written, beyond being text.
        least: the smallest number that it may be.
    """

    about: str
    form: Form = ""
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """The service under test: an app, a command, or the URL of one that runs."""

    app: Annotated[
        str | None,
        Key("The application, or what makes it: `module:attribute` or `file.py:attribute`."),
    ] = None
    command: Annotated[
        str | tuple[str, ...] | None,
        Key(
            "Starts the service instead, without a shell; `{host}`, `{port}` and `{python}` are "
            "filled in.",
            "argv",
        ),
    ] = None
    url: Annotated[
        str | None,
        Key("Where it listens; alone, the service that runs there is loaded as it is.", "url"),
    ] = None
    name: Annotated[str | None, Key("What reports call it; by default from the app.")] = None
    interface: Annotated[
        Interface | None, Key("What the app is; found out by importing it otherwise.")
    ] = None
    server: Annotated[Server | None, Key("What serves the app; uvicorn, or gunicorn for WSGI.")] = (
        None
    )
    workers: Annotated[int, Key("How many worker processes.", least=1)] = 1
    loop: Annotated[Loop, Key("The event loop.")] = "auto"
    server_args: Annotated[tuple[str, ...], Key("More arguments for the server.")] = ()
    env: Annotated[Mapping[str, str], Key("Environment variables of the service.")] = field(
        default_factory=dict
    )
    working_dir: Annotated[
        str, Key("The folder it is started in, from the file's own.", "path")
    ] = "."
    python: Annotated[
        str | None, Key("The interpreter that has its libraries: `.venv/bin/python`.", "path")
    ] = None
    ready_path: Annotated[str, Key("A path that answers as soon as the service can.")] = "/"
    ready_timeout: Annotated[
        str | float, Key("How long it may take to its first answer.", "duration")
    ] = "30s"
    openapi: Annotated[
        str | bool,
        Key(
            "Where the service has its OpenAPI document, of which requests are made if none are "
            "given; `false` makes none."
        ),
    ] = "/openapi.json"


@dataclass(frozen=True, slots=True)
class BackendOf:
    """A server that the service needs: a private one is started for it."""

    variable: Annotated[str, Key("The environment variable that gets its URL.")] = ""
    scheme: Annotated[str, Key("How the URL begins, for its driver: `postgresql+asyncpg`.")] = ""
    variables: Annotated[
        Mapping[str, str],
        Key(
            "More variables, of `{url}`, `{rest}`, `{host}`, `{port}`, `{user}`, `{password}` and "
            "`{database}`."
        ),
    ] = field(default_factory=dict)
    settings: Annotated[
        Mapping[str, str | int | float | bool], Key("The server's own settings, by its names.")
    ] = field(default_factory=dict)
    init_sql: Annotated[str | None, Key("A file of SQL that is run first.", "path")] = None
    init_command: Annotated[
        str | tuple[str, ...] | None,
        Key("A command that is run then, such as `alembic upgrade head`.", "argv"),
    ] = None
    seed_command: Annotated[
        str | tuple[str, ...] | None, Key("A command that is run last, to fill it.", "argv")
    ] = None


@dataclass(frozen=True, slots=True)
class Backends:
    """Servers that the service needs. Each is private to the run and goes with it."""

    postgres: Annotated[BackendOf | None, Key("A PostgreSQL.")] = None
    mariadb: Annotated[BackendOf | None, Key("A MariaDB.")] = None
    valkey: Annotated[BackendOf | None, Key("A Valkey, for whoever speaks to Redis.")] = None


@dataclass(frozen=True, slots=True)
class VariantOf:
    """One configuration of the service; what it does not say is as in `[service]`."""

    name: Annotated[str, Key("What reports and `--variant` call it.")]
    title: Annotated[str, Key("A line for a person.")] = ""
    app: Annotated[str | None, Key("Another application.")] = None
    command: Annotated[str | tuple[str, ...] | None, Key("Another command.", "argv")] = None
    server: Annotated[Server | None, Key("Another server.")] = None
    workers: Annotated[int | None, Key("Another number of workers.", least=1)] = None
    loop: Annotated[Loop | None, Key("Another event loop.")] = None
    server_args: Annotated[tuple[str, ...] | None, Key("Other arguments for the server.")] = None
    env: Annotated[
        Mapping[str, str], Key("Environment variables, beside those of the service.")
    ] = field(default_factory=dict)
    backends: Annotated[
        Mapping[str, Mapping[str, str | int | float | bool]],
        Key("Settings of back ends: `{ postgres = { max_connections = 50 } }`."),
    ] = field(default_factory=dict)
    what_ifs: Annotated[
        tuple[str, ...], Key("What is imposed on it, as in `--what-if`: `pool-size=20`.")
    ] = ()
    default: Annotated[bool, Key("Whether it runs without being named.")] = True


@dataclass(frozen=True, slots=True)
class ChecksOf:
    """What must hold of one answer; it is asked for once, before the loads."""

    contains: Annotated[tuple[str, ...], Key("Texts that the body holds.")] = ()
    json: Annotated[
        Mapping[str, Any], Key('By path, the value that stands there: `{ "items[0].id" = 1 }`.')
    ] = field(default_factory=dict)
    headers: Annotated[Mapping[str, str], Key("By header, a text that it holds.")] = field(
        default_factory=dict
    )
    min_items: Annotated[
        Mapping[str, int], Key("By path, how many items a list has at least: `{ items = 20 }`.")
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestOf:
    """A request that a load sends, among the others by its weight."""

    path: Annotated[str, Key("Path and query; may hold templates.")]
    method: Annotated[str, Key("The HTTP method.")] = "GET"
    name: Annotated[str, Key("What reports and loads call it.")] = ""
    weight: Annotated[float, Key("Its share, relative to the others'.", least=0.001)] = 1.0
    headers: Annotated[Mapping[str, str], Key("Headers; may hold templates.")] = field(
        default_factory=dict
    )
    body: Annotated[str | None, Key("The body as text; may hold templates.")] = None
    json: Annotated[Any, Key("The body as a value, sent as JSON; may hold templates.")] = None
    form: Annotated[
        Mapping[str, str] | None, Key("The body as fields of a form; may hold templates.")
    ] = None
    body_file: Annotated[str | None, Key("A file that is the body, byte by byte.", "path")] = None
    expect: Annotated[
        int | str | tuple[int, ...] | None,
        Key('The statuses that count as success: `201`, `[200, 404]`, `"2xx"`; 2xx and 3xx.'),
    ] = None
    checks: Annotated[ChecksOf | None, Key("What must hold of one answer, before the loads.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class StepOf(RequestOf):
    """A request that is sent once around the loads; later ones may use what it captures."""

    capture: Annotated[
        Mapping[str, str],
        Key(
            "By name, what is taken from the answer: `json:access_token`, `header:NAME`, "
            "`cookie:NAME`, `regex:id=(\\\\d+)`. Used as `{{capture:NAME}}`.",
            "capture",
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadOf:
    """How often and how long requests are sent."""

    connections: Annotated[
        int | tuple[int, ...], Key("How many connections; several are several levels.", least=1)
    ] = (1, 12, 48)
    duration: Annotated[
        str | float, Key("How long each level lasts, warm-up included.", "duration")
    ] = "5s"
    warmup: Annotated[
        str | float, Key("The first part, which is sent and not measured.", "duration")
    ] = "500ms"
    name: Annotated[str, Key("What reports call it.")] = "load"
    requests: Annotated[
        tuple[str, ...], Key("The names of those that it sends; all otherwise.")
    ] = ()
    rate: Annotated[
        str | float | None,
        Key("Requests per second whatever the service does: `100`, `1.5k`, `10..500`.", "rate"),
    ] = None
    stages: Annotated[
        str | None, Key("Rates one after the other: `10s:100,30s:100..1000`.", "stages")
    ] = None
    poisson: Annotated[bool, Key("Whether a rate's requests come at random instants.")] = False
    think_time: Annotated[
        str | float | None,
        Key("The pause of a connection between answer and next request.", "duration"),
    ] = None
    timeout: Annotated[str | float, Key("How long a response may take in whole.", "duration")] = (
        "10s"
    )
    keep_alive: Annotated[bool, Key("Whether connections are used again.")] = True


@dataclass(frozen=True, slots=True)
class Config:
    """All of a file."""

    service: Annotated[Service, Key("The service under test.")]
    backends: Annotated[Backends, Key("Servers that are started for it.")] = field(
        default_factory=Backends
    )
    variants: Annotated[
        tuple[VariantOf, ...], Key("Configurations to compare; the service as it is otherwise.")
    ] = ()
    requests: Annotated[
        tuple[RequestOf, ...], Key("What is sent; made of the OpenAPI document otherwise.")
    ] = ()
    setup: Annotated[
        tuple[StepOf, ...], Key("Requests that are sent once, after the service's start.")
    ] = ()
    teardown: Annotated[
        tuple[StepOf, ...], Key("Requests that are sent once, before the service's end.")
    ] = ()
    loads: Annotated[tuple[LoadOf, ...], Key("How it is sent.")] = (LoadOf(),)
    objectives: Annotated[
        tuple[str, ...],
        Key("What the service is to hold: `p99 < 50ms at 48 connections`.", "objective"),
    ] = ()
