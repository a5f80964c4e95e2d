"""The text of a first ``syncline.toml`` for a project: short, commented, and fit to run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from syncline.cli.own_case import ONLY
from syncline.cli.project import Project

Backend = Literal["postgres", "mariadb", "valkey"]

_URLS: tuple[tuple[Backend, re.Pattern[str]], ...] = (
    ("valkey", re.compile(r"(REDIS|VALKEY|CACHE|BROKER)\w*_(URL|URI|DSN)$")),
    ("postgres", re.compile(r"(POSTGRES|PG)\w*_(URL|URI|DSN)$")),
    ("mariadb", re.compile(r"(MYSQL|MARIADB)\w*_(URL|URI|DSN)$")),
)
_ANY_DATABASE = re.compile(r"(^|_)(DATABASE|DB|SQLALCHEMY)(_DATABASE)?_(URL|URI|DSN)$")
_PARTS = re.compile(
    r"(?:^|_)(?P<kind>POSTGRES|PG|MYSQL|MARIADB|REDIS|VALKEY|DB|DATABASE)_?"
    r"(?P<part>SERVER|HOSTNAME|HOST|PORT|USERNAME|USER|PASSWORD|PASS|DB|DATABASE|NAME)$"
)
_PLACES = {
    **dict.fromkeys(("SERVER", "HOSTNAME", "HOST"), "{host}"),
    "PORT": "{port}",
    **dict.fromkeys(("USERNAME", "USER"), "{user}"),
    **dict.fromkeys(("PASSWORD", "PASS"), "{password}"),
    **dict.fromkeys(("DB", "DATABASE", "NAME"), "{database}"),
}
_KINDS: dict[str, Backend] = {
    **dict.fromkeys(("POSTGRES", "PG"), "postgres"),
    **dict.fromkeys(("MYSQL", "MARIADB"), "mariadb"),
    **dict.fromkeys(("REDIS", "VALKEY"), "valkey"),
}
_DRIVERS: tuple[tuple[Backend, tuple[str, ...]], ...] = (
    ("postgres", ("psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000", "psycopg-binary")),
    ("mariadb", ("pymysql", "mysqlclient", "asyncmy", "aiomysql", "mysql-connector-python")),
)
# What SQLAlchemy calls the driver of a distribution.
_DIALECTS = {
    "asyncpg": "postgresql+asyncpg",
    "psycopg": "postgresql+psycopg",
    "psycopg2": "postgresql+psycopg2",
    "psycopg2-binary": "postgresql+psycopg2",
    "asyncmy": "mysql+asyncmy",
    "aiomysql": "mysql+aiomysql",
    "pymysql": "mysql+pymysql",
    "mysqlclient": "mysql+mysqldb",
}
_FAMILY: dict[Backend, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "mariadb": ("mysql", "mariadb"),
    "valkey": ("redis", "valkey"),
}
_PLACEHOLDERS = {"int": "1", "float": "1.0", "bool": "false"}


@dataclass
class Needs:
    """The variables of one back end."""

    url: str = ""
    parts: dict[str, str] = field(default_factory=dict)


def needs_of(project: Project) -> dict[Backend, Needs]:
    """The back ends that a project's settings ask for, and by which variables."""
    found: dict[Backend, Needs] = {}
    database = _database(project)
    for setting in project.settings:
        kind = next((name for name, words in _URLS if words.search(setting.name)), None)
        if kind is None and database and _ANY_DATABASE.search(setting.name):
            kind = database
        if kind is not None:
            needs = found.setdefault(kind, Needs())
            needs.url = needs.url or setting.name
        elif part := _PARTS.search(setting.name):
            owner = _KINDS.get(part["kind"]) or database
            if owner is not None:
                found.setdefault(owner, Needs()).parts[setting.name] = _PLACES[part["part"]]
    return found


def config_text(project: Project) -> str:
    """The file for a project that has an application."""
    app = project.apps[0]
    others = ", ".join(other.name for other in project.apps[1:4])
    needs = needs_of(project)
    lines = [
        "# What Syncline runs and loads: 'syncline run' in this folder.",
        "# All keys: docs/config.md of Syncline; 'syncline config schema' is for editors.",
        "",
        'objectives = ["errors < 1%"]',
        "",
        "[service]",
        f"app = {_quoted(app.name)}  # {app.framework}"
        + (f"; there are also {others}" if others else ""),
        f"name = {_quoted(project.name)}",
    ]
    if project.python:
        lines.append(f"python = {_quoted(project.python)}")
    lines += _environment(project, needs)
    for name, one in needs.items():
        lines += ["", *_backend(project, name, one)]
    lines += [
        "",
        "# What is sent: without [[requests]], every GET of the OpenAPI document that needs",
        "# nothing but what it has an example or a default for. A request of your own:",
        "# [[requests]]",
        '# path = "/items?limit={{int:1:50}}"',
        "# weight = 3",
        "# A login first, whose token the requests then send:",
        "# [[setup]]",
        '# method = "POST"',
        '# path = "/login/access-token"',
        '# form = { username = "me@example.com", password = "secret" }',
        '# capture = { token = "json:access_token" }',
        '# (and in the request: headers = { Authorization = "Bearer {{capture:token}}" })',
        "",
        "[[loads]]",
        "connections = [1, 12, 48]",
        'duration = "5s"',
        "",
        "# Configurations to compare; without any it is the service as it is.",
        "# [[variants]]",
        f'# name = "{ONLY}"',
        "# [[variants]]",
        '# name = "two-workers"',
        "# workers = 2",
    ]
    return "\n".join(lines) + "\n"


def _environment(project: Project, needs: dict[Backend, Needs]) -> list[str]:
    """Values for what is required and no back end's: the service must start."""
    given = {name for one in needs.values() for name in (one.url, *one.parts)}
    missing = [one for one in project.settings if one.required and one.name not in given]
    if not missing:
        return []
    lines = ["", "[service.env]  # it has no default for these; the values are made up"]
    for one in missing:
        value = _PLACEHOLDERS.get(one.kind, "made-up-for-load-tests-only-0123456789")
        lines.append(f"{one.name} = {_quoted(value)}")
    return lines


def _backend(project: Project, name: Backend, needs: Needs) -> list[str]:
    lines = [f"[backends.{name}]  # a private server, started for the run and gone with it"]
    if needs.url:
        lines.append(f"variable = {_quoted(needs.url)}")
        if scheme := _scheme(project, name):
            lines.append(f"scheme = {_quoted(scheme)}")
    if needs.parts:
        pairs = ", ".join(f"{key} = {_quoted(form)}" for key, form in needs.parts.items())
        lines.append(f"variables = {{ {pairs} }}")
    if name == "valkey":
        return lines
    if project.alembic:
        lines.append('init_command = "{python} -m alembic upgrade head"')
    elif project.sql:
        lines.append(f"init_sql = {_quoted(project.sql[0])}")
    if project.seeds:
        lines.append(f'seed_command = "{{python}} -m {project.seeds[0]}"')
    else:
        lines.append('# seed_command = "{python} -m your.seeding.module"')
    return lines


def _database(project: Project) -> Backend | None:
    for name, words in _FAMILY.items():
        if name != "valkey" and any(one.startswith(words) for one in project.schemes):
            return name
    for name, drivers in _DRIVERS:
        if project.dependencies & set(drivers):
            return name
    return None


def _scheme(project: Project, name: Backend) -> str:
    """The URL's scheme with its driver, if the project says one."""
    for scheme in project.schemes:
        if "+" in scheme and scheme.startswith(_FAMILY[name]):
            return scheme
    if "sqlalchemy" not in project.dependencies and "sqlmodel" not in project.dependencies:
        return ""
    for driver, dialect in _DIALECTS.items():
        if driver in project.dependencies and dialect.startswith(_FAMILY[name]):
            return dialect
    return ""


def _quoted(text: str) -> str:
    # TOML's basic strings escape what JSON's do.
    return json.dumps(text, ensure_ascii=False)
