"""What an import yields, and what is left out of every one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from syncline.errors import UsageError
from syncline.plan import Request

# They are the connection's or the body's, and the engine writes them itself.
_OWN = frozenset(
    [
        "host",
        "content-length",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "te",
        "trailer",
        "proxy-connection",
        "expect",
    ]
)
_SECRET = frozenset(
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token", "x-csrf-token"]
)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_URL = re.compile(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*))?(?P<rest>[^#]*)")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z-]*")


@dataclass(frozen=True, slots=True)
class Imported:
    """Requests in the order of their source.

    Attributes:
        requests: one for each that was recorded, equal ones included.
        notes: what was left out or is otherwise than recorded, a sentence each.
        at_s: when each was made, in seconds since the first; None if the source does not say.
        resolution_s: how exactly the source tells instants.
    """

    requests: tuple[Request, ...]
    notes: tuple[str, ...] = ()
    at_s: tuple[float, ...] | None = None
    resolution_s: float = 0.0


def writing(requests: Iterable[Request]) -> tuple[Request, ...]:
    """Those that may change the service's data: all but GET, HEAD and OPTIONS."""
    return tuple(one for one in requests if one.method not in _READS)


def host_and_path(url: str) -> tuple[str | None, str]:
    """Host (with its port; None if there is none) and path with query of a URL.

    Raises:
        UsageError: it is of another scheme than HTTP, or cannot go on the wire.
    """
    found = _URL.match(url)
    if found is None or (found["scheme"] or "http").lower() not in ("http", "https"):
        raise UsageError(f"{url!r} is no URL of an HTTP service.")
    path = found["rest"]
    if not path.startswith("/"):
        path = f"/{path}"
    if not path.isascii() or not path.isprintable() or " " in path:
        raise UsageError(f"{url!r} holds characters that must be escaped in a URL.")
    host = found["host"]
    return (host.rpartition("@")[2].lower() if host else None), path


def checked_method(method: str, where: str) -> str:
    """The method in capitals.

    Raises:
        UsageError: it is none.
    """
    if not _TOKEN.fullmatch(method):
        raise UsageError(f"{where}: {method!r} is no HTTP method.")
    return method.upper()


def named(method: str, path: str) -> str:
    """What reports call a request: without its query, where secrets may be."""
    return f"{method} {path.partition('?')[0]}"


class Headers:
    """Keeps the headers that are to be sent, and counts the credentials that are not."""

    def __init__(self, *, keep_credentials: bool) -> None:
        self._keep = keep_credentials
        self._dropped: dict[str, int] = {}

    def kept(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Those of a request that go into the load."""
        return tuple((name, value) for name, value in headers if self._keeps(name))

    def _keeps(self, name: str) -> bool:
        low = name.lower()
        if low.startswith(":") or low in _OWN:
            return False
        if low in _SECRET and not self._keep:
            self._dropped[low] = self._dropped.get(low, 0) + 1
            return False
        return True

    def notes(self) -> tuple[str, ...]:
        """What was left out, in a sentence; none if nothing was."""
        if not self._dropped:
            return ()
        names = ", ".join(f"{name} ({count})" for name, count in sorted(self._dropped.items()))
        return (f"Left out, since they are credentials: {names}; --keep-credentials keeps them.",)
