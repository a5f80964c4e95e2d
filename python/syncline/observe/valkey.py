"""Valkey or Redis from outside, by INFO over one connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from syncline.mask import mask
from syncline.observe.observer import APPLICATION, Blind, Observer, Sample

_ANSWER_S = 2.0
_LIMIT = 1 << 20
_QUANTITIES = {
    "connected_clients": "valkey.clients",
    "blocked_clients": "valkey.blocked_clients",
    "maxclients": "valkey.max_clients",
    "used_memory": "valkey.memory_bytes",
    "keyspace_hits": "valkey.hits_total",
    "keyspace_misses": "valkey.misses_total",
    "total_commands_processed": "valkey.commands_total",
    "total_connections_received": "valkey.new_clients_total",
    "rejected_connections": "valkey.rejected_clients_total",
    "evicted_keys": "valkey.evicted_total",
    "expired_keys": "valkey.expired_total",
    "total_net_input_bytes": "valkey.input_bytes_total",
    "total_net_output_bytes": "valkey.output_bytes_total",
}


class Valkey(Observer):
    """Clients, hits and misses, commands, memory. The observer's own are not counted.

    Args:
        url: ``redis://`` or ``rediss://``, with a password if it needs one.

    Raises:
        Blind: nothing can be seen there.
    """

    name = "valkey"
    period_s = 0.25
    apart = True
    units: ClassVar[dict[str, str]] = {
        "valkey.memory_bytes": "bytes",
        "valkey.input_bytes_total": "bytes",
        "valkey.output_bytes_total": "bytes",
    }

    def __init__(self, url: str) -> None:
        self._own = 0
        try:
            self._line = _connect(url)
            self._stream = self._line.makefile("rb")
            parts = urlsplit(url)
            if parts.password:
                user = [unquote(parts.username)] if parts.username else []
                self._ask("AUTH", *user, unquote(parts.password))
            with contextlib.suppress(_Refused):
                self._ask("CLIENT", "SETNAME", APPLICATION)
            self._ask("INFO")
        except (OSError, ValueError) as error:
            raise Blind(f"Valkey is not watched: {mask(str(error))}.") from error

    def sample(self, now: float) -> Sample:  # noqa: ARG002 - nothing here needs the time
        """See :class:`Observer`."""
        try:
            answer = self._ask("INFO")
        except (OSError, ValueError) as error:
            raise Blind(f"Valkey is no longer watched: {mask(str(error))}.") from error
        facts = dict(line.split(":", 1) for line in answer.splitlines() if ":" in line)
        own = {"connected_clients": 1, "total_commands_processed": self._own}
        return {
            quantity: int(facts[name]) - own.get(name, 0)
            for name, quantity in _QUANTITIES.items()
            if facts.get(name, "").isdigit()
        }

    def interrupt(self) -> None:
        """See :class:`Observer`."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See :class:`Observer`."""
        with contextlib.suppress(OSError):
            self._stream.close()
            self._line.close()

    def _ask(self, *words: str) -> str:
        """One command in RESP2 (valkey.io/topics/protocol); its answer as text."""
        parts = [word.encode() for word in words]
        framed = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._line.sendall(b"*%d\r\n%b" % (len(parts), framed))
        self._own += 1
        head = self._stream.readline(_LIMIT)
        if not head.endswith(b"\r\n"):
            raise ValueError("the connection was closed")
        kind, rest = head[:1], head[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise _Refused(rest)
        if kind == b"$" and 0 <= int(rest) <= _LIMIT:
            return self._stream.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
        if kind in (b"+", b":"):
            return rest
        raise ValueError("not the Redis protocol")


class _Refused(ValueError):
    """The server's own no."""


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    host = parts.hostname or ""
    line = socket.create_connection((host, parts.port or 6379), timeout=_ANSWER_S)
    if parts.scheme in ("rediss", "valkeys"):
        return ssl.create_default_context().wrap_socket(line, server_hostname=host)
    return line
