"""A service that somebody else started: found by its URL, never started, never ended."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from types import TracebackType
from urllib.parse import urlsplit

import psutil

from syncline.consent import check_consent
from syncline.errors import ServiceStartError, UsageError
from syncline.trial import Variant

_PAUSE_S = 0.05


class External:
    """A running service, from :func:`find_service`.

    Attributes:
        variant: what stands for it in tables.
        url: its root, without a slash at the end.
        addresses: what its name resolved to; each was admitted.
    """

    def __init__(self, variant: Variant, addresses: tuple[str, ...], port: int):
        self.variant = variant
        self.url = variant.url.rstrip("/")
        self.addresses = addresses
        self._port = port

    def pids(self) -> tuple[int, ...]:
        """The processes of this machine that listen on its port and what those started.

        None can be told if the address is not this machine's, or if they are another user's.
        """
        return _family(_listeners(self.addresses, self._port))

    @property
    def is_seen(self) -> bool:
        """Whether its processes can be told."""
        return bool(_listeners(self.addresses, self._port))

    def exit_status(self) -> None:
        """Nobody here is told how it ends."""

    def log_tail(self, lines: int = 20) -> str:  # noqa: ARG002 - as a service of our own
        """Its log is its owner's."""
        return ""

    def stop(self, grace_s: float | None = None) -> None:
        """Leaves it alone."""

    def __enter__(self) -> External:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def find_service(variant: Variant) -> External:
    """The service at ``variant.url``, once something listens there.

    Raises:
        UsageError: its name does not resolve.
        ConsentError: an address is public, and ``variant.allowed`` does not name its host.
        ServiceStartError: nothing accepts a connection within ``variant.ready_timeout_s``.
    """
    parts = urlsplit(variant.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"{host} does not resolve: {error.strerror or error}.") from error
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    check_consent(host, addresses, variant.allowed)
    deadline = time.monotonic() + variant.ready_timeout_s
    while not _accepts(addresses, port, deadline):
        if time.monotonic() >= deadline:
            raise ServiceStartError(
                f"Nothing listens at {variant.url}. Start the service, or have Syncline start "
                "it: syncline run module:app, or --command beside --url."
            )
        time.sleep(_PAUSE_S)
    return External(variant, addresses, port)


def _accepts(addresses: tuple[str, ...], port: int, deadline: float) -> bool:
    for address in addresses:
        left = max(0.1, deadline - time.monotonic())
        with contextlib.suppress(OSError), socket.create_connection((address, port), left):
            return True
    return False


def _listeners(addresses: tuple[str, ...], port: int) -> tuple[int, ...]:
    """Who listens on the port, if it is a port of this machine."""
    ours = {"127.0.0.1", "::1"}
    for entries in psutil.net_if_addrs().values():
        ours.update(entry.address.partition("%")[0] for entry in entries)
    if not ours.intersection(addresses):
        return ()
    with contextlib.suppress(psutil.Error, OSError):
        return tuple(
            sorted(
                {
                    found.pid
                    for found in psutil.net_connections("tcp")
                    if found.status == psutil.CONN_LISTEN
                    and found.pid is not None
                    and found.pid != os.getpid()
                    and found.laddr
                    and found.laddr.port == port
                }
            )
        )
    return ()


def _family(roots: tuple[int, ...]) -> tuple[int, ...]:
    pids = set(roots)
    for pid in roots:
        with contextlib.suppress(psutil.Error):
            pids.update(child.pid for child in psutil.Process(pid).children(recursive=True))
    return tuple(sorted(pids))
