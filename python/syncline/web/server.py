"""The server around the page: uvicorn on a socket that was bound before."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from syncline.errors import EnvironmentLackError

_AT_ONCE = 64
_GOODBYE_S = 1  # streams do not end by themselves


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; with port 0 on a free one.

    Raises:
        EnvironmentLackError: the name is unknown, or the port is taken or not for this user.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise EnvironmentLackError(f"--host {host}: {error.strerror or error}.") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError as error:
        bound.close()
        raise EnvironmentLackError(
            f"Cannot listen on {host}, port {port}: {error.strerror}; give another --port."
        ) from error
    return bound


def serve(app: ASGIApp, bound: socket.socket, tls: tuple[Path, Path] | None = None) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        tls: the certificate's file and the key's; without it plain HTTP is spoken.

    Raises:
        KeyboardInterrupt: after the server was stopped by a signal.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # a log line would carry the token of the first visit
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_GOODBYE_S,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    uvicorn.Server(config).run(sockets=[bound])
