"""Whether a service answers, and whether the one that answers is ours."""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import time

from syncline.process import Child, listening_ports

_PAUSE_S = 0.01  # between attempts to connect; the child's death ends it at once
_HEAD_LIMIT = 65536


class Readiness(enum.Enum):
    """What came of waiting."""

    READY = "it answers, and its port is our child's"
    DIED = "our child ended first"
    SILENT = "nothing answered in time"
    NOT_OURS = "another process has the port"


def await_ready(child: Child, host: str, port: int, path: str, deadline: float) -> Readiness:
    """Waits until the child answers a GET of ``path`` with any HTTP status.

    An answer counts if one of the child's tree listens on the port; a port on which others
    listen will not become the child's, so that ends the waiting. One request at a time is
    under way, so a slow start is not met with a heap of them.

    Args:
        deadline: on the monotonic clock, seconds.
    """
    while True:
        try:
            with socket.create_connection((host, port), timeout=_left(deadline)) as connection:
                state = _ask(child, connection, host, port, path, deadline)
        except OSError:
            state = None
        if child.poll() is not None:
            return Readiness.DIED
        if state is not None:
            return state
        if time.monotonic() >= deadline:
            return Readiness.SILENT
        if child.wait(_PAUSE_S) is not None:
            return Readiness.DIED


def _ask(
    child: Child, connection: socket.socket, host: str, port: int, path: str, deadline: float
) -> Readiness | None:
    """What an open connection tells; None if it is too early to say."""
    if connection.getsockname() == connection.getpeername():
        return None  # the system chose the very port to connect from: nobody listens yet
    if port not in listening_ports(child.pids()):
        return Readiness.NOT_OURS
    name = f"[{host}]" if ":" in host else host
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: syncline-readiness\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    if not _begins_response(child, connection, deadline):
        return None
    _read_out(connection, deadline)
    return Readiness.READY


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _begins_response(child: Child, connection: socket.socket, deadline: float) -> bool:
    start = b""
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    poller.register(child.fileno(), select.POLLIN)
    while b"\r\n" not in start and len(start) < _HEAD_LIMIT:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        ready = poller.poll(left * 1000)
        if child.poll() is not None:
            return False
        if connection.fileno() in (fd for fd, _ in ready):
            data = connection.recv(4096)
            if not data:
                return False
            start += data
    words = start.split(b"\r\n", 1)[0].split(b" ")
    return words[0].startswith(b"HTTP/") and len(words) > 1 and words[1].isdigit()


def _read_out(connection: socket.socket, deadline: float) -> None:
    """Lets the service end its answer, so that its log shows no broken pipe."""
    connection.settimeout(min(1.0, _left(deadline)))
    with contextlib.suppress(OSError):
        for _ in range(1024):
            if not connection.recv(65536):
                return
