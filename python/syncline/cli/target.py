"""The URL of ``syncline load``: taken apart, resolved, and checked for consent."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from syncline.consent import check_consent
from syncline.errors import UsageError

Resolver = Callable[[str, int], tuple[str, ...]]

_TEMPLATE = re.compile(r"(\{\{.*?\}\})")
# What may stand in a path and query as it is (RFC 3986), "%" included: it may be an escape.
_AS_IS = "/?:@!$&'()*+,;=-._~%[]"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes.

    Attributes:
        origin: for the plan: ``http://HOST:PORT``, ``https://…`` or ``unix:///PATH``.
        host, port: for the resolver; host is None for a Unix socket.
        path: path and query as they go on the wire.
        credentials: name and password, if the URL held them.
        host_header: what a Unix socket's requests say in Host; None leaves it to the engine.
    """

    origin: str
    host: str | None
    port: int
    path: str
    credentials: str | None = None
    host_header: str | None = None


def parse_target(url: str, unix_socket: str | None = None) -> Target:
    """The parts of a URL; ``http://`` may be left out.

    Raises:
        UsageError: it is no URL of an HTTP service.
    """
    text = url.strip() if "://" in url else f"http://{url.strip()}"
    # Templates may hold any character; they are taken out before the URL is read, and the
    # authority ends before any of them.
    head, authority, rest = _split(text)
    scheme = head.lower()
    if scheme not in ("http", "https"):
        raise UsageError(f"{url!r}: only http:// and https:// can be loaded.")
    try:
        parts = urlsplit(f"{scheme}://{authority}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL: {error}.") from None
    if not host:
        raise UsageError(f"{url!r} names no host; write http://HOST[:PORT]/PATH.")
    if not authority.isprintable() or " " in authority:
        raise UsageError(f"{url!r} is no URL: its host holds spaces or control characters.")
    ascii_host = _ascii(host, url)
    shown = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = shown if port is None else f"{shown}:{port}"
    userinfo = authority.rpartition("@")[0]
    credentials = unquote(userinfo) if userinfo else None
    path = escaped_path(rest)
    if unix_socket is not None:
        if not unix_socket.startswith("/"):
            raise UsageError(f"{unix_socket!r}: write the socket's whole path, from / on.")
        return Target(f"unix://{unix_socket}", None, 0, path, credentials, netloc)
    default = 443 if scheme == "https" else 80
    return Target(f"{scheme}://{netloc}", ascii_host, port or default, path, credentials)


def escaped_path(text: str) -> str:
    """Path and query fit for the wire; templates stay, a fragment goes."""
    pieces = []
    for piece in _TEMPLATE.split(text):
        if _TEMPLATE.fullmatch(piece):
            pieces.append(piece)
            continue
        before, fragment, _ = piece.partition("#")
        pieces.append(quote(before, safe=_AS_IS))
        if fragment:
            break
    path = "".join(pieces)
    return path if path.startswith("/") else f"/{path}"


def admit(
    target: Target, allowed: Iterable[str], resolve: Resolver | None = None
) -> tuple[str, ...]:
    """The target's addresses, if every one of them may be loaded; none for a Unix socket.

    They go into the plan, so that a name that changes after this check leads nowhere else.

    Raises:
        UsageError: the name does not resolve.
        ConsentError: an address is public and the host was not allowed.
    """
    if target.host is None:
        return ()
    addresses = (resolve or resolve_all)(target.host, target.port)
    check_consent(target.host, addresses, allowed)
    return addresses


def resolve_all(host: str, port: int) -> tuple[str, ...]:
    """All addresses of a name, as the system resolves it.

    Raises:
        UsageError: there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise UsageError(
            f"{host} does not resolve ({reason}). Check its spelling and this machine's DNS."
        ) from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _split(text: str) -> tuple[str, str, str]:
    scheme, _, rest = text.partition("://")
    end = re.search(r"[/?#]|\{\{", rest)
    cut = end.start() if end else len(rest)
    return scheme, rest[:cut], rest[cut:]


def _ascii(host: str, url: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise UsageError(f"{url!r}: {host!r} is no host name.") from None
