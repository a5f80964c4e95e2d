"""How a back end reaches a service that was not written for Syncline, and how it is filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

PLACES = ("url", "rest", "host", "port", "user", "password", "database")

# PostgreSQL's private server trusts whoever comes from this machine; a service may still insist
# on having a password to send.
_TRUSTED = "trusted"


@dataclass(frozen=True, slots=True)
class Provision:
    """What a service needs of one back end before it starts.

    Attributes:
        variables: by environment variable, the form of what it gets: ``{url}``, ``{rest}`` (the
            URL after its scheme), ``{host}``, ``{port}``, ``{user}``, ``{password}`` and
            ``{database}`` are filled in.
        init_sql: a file of SQL that is run first, or empty.
        commands: argvs that are run then, in order, with the service's environment and in its
            working directory; ``{python}`` is filled in.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    init_sql: str = ""
    commands: tuple[tuple[str, ...], ...] = ()


def address_env(provision: Provision, url: str) -> dict[str, str]:
    """The environment variables by which the service finds the server at a URL."""
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if not password and parts.scheme.startswith("postgres"):
        password = _TRUSTED
    places = {
        "url": url,
        "rest": url.partition("://")[2],
        "host": parts.hostname or "",
        "port": "" if parts.port is None else str(parts.port),
        "user": unquote(parts.username or ""),
        "password": password,
        "database": parts.path.lstrip("/"),
    }
    return {name: _filled(form, places) for name, form in provision.variables.items()}


def _filled(form: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        form = form.replace(f"{{{name}}}", value)
    return form
