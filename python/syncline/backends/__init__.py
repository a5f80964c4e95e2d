"""Real database and cache servers for the services under test: private ones, or the user's."""

from __future__ import annotations

from collections.abc import Mapping

from syncline.backends import mariadb, postgres, valkey
from syncline.backends.backend import Backend
from syncline.backends.mariadb_packages import fetch_mariadb
from syncline.errors import UsageError
from syncline.process import Workspace

__all__ = ["Backend", "fetch_mariadb", "provide"]

_STARTS = {"mariadb": mariadb.start, "postgres": postgres.start, "valkey": valkey.start}
_ADOPTS = {"mariadb": mariadb.adopt, "postgres": postgres.adopt, "valkey": valkey.adopt}


def provide(
    name: str, settings: Mapping[str, str], workspace: Workspace, url: str | None = None
) -> Backend:
    """A ready server: a private one in the workspace, or the user's own at ``url``.

    A private server listens on a free port of 127.0.0.1, starts empty, and ends with
    ``close()`` or, whatever happens, with Syncline.

    Args:
        name: ``mariadb``, ``postgres`` or ``valkey``.
        settings: the server's own, by the server's names: ``{"max_connections": "100"}``.
        url: of a running server, which is used as it is.

    Raises:
        UsageError: no such back end; a setting that the server does not know or accept; or,
            with ``url``, one that the server there does not have.
        EnvironmentLackError: the server or its wheel is missing, the disk is full, a place may
            not be written, or nothing answers at ``url``.
        ServiceStartError: the private server did not start; the message holds its log's end.
    """
    if name not in _STARTS:
        known = ", ".join(sorted(_STARTS))
        raise UsageError(f"There is no back end {name!r}; there are: {known}.")
    return _STARTS[name](settings, workspace) if url is None else _ADOPTS[name](url, settings)
