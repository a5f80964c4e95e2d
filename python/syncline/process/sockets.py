"""Ports: finding a free one, and telling whose a listening one is."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable

import psutil

from syncline.errors import EnvironmentLackError, UsageError


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of ``host`` that was free a moment ago, chosen by the system (binding 0).

    Someone else may take it before its user binds it: whoever starts a server on it checks
    that the server is the one that listens, and tries again with another port otherwise.

    Raises:
        EnvironmentLackError: ``host`` is no address of this machine, or no port is free.
    """
    try:
        with _bound(host, 0) as listener:
            port: int = listener.getsockname()[1]
            return port
    except OSError as error:
        raise EnvironmentLackError(f"No free port on {host}: {_reason(error)}.") from error


def check_port_free(host: str, port: int) -> None:
    """Makes sure that a server could listen there now.

    Raises:
        UsageError: the port is in use (the message names the process if it can be seen), may
            not be used by this user, or ``host`` is no address of this machine.
    """
    if not 0 < port < 65536:
        raise UsageError(f"{port} is no port; ports go from 1 to 65535.")
    try:
        _bound(host, port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} on {host} is in use{_by_whom(port)}. "
                "Stop that process or choose another port."
            ) from error
        if error.errno == errno.EACCES:
            raise UsageError(
                f"Port {port} needs root's rights. Choose a port from 1024 on."
            ) from error
        raise UsageError(f"Cannot listen on {host}, port {port}: {_reason(error)}.") from error


def listening_ports(pids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """The TCP ports on which these processes listen, and which of them do on each."""
    found: dict[int, list[int]] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            ports = {
                connection.laddr.port
                for connection in psutil.Process(pid).net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            }
            for port in ports:
                found.setdefault(port, []).append(pid)
    return {port: tuple(owners) for port, owners in sorted(found.items())}


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # As servers do; connections of a former server that linger do not matter then.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def _by_whom(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f" by {name} (process {connection.pid})"
    return ""


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
