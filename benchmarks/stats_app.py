"""A service whose work per request is known: a loop of SPIN rounds. Plain ASGI."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

SPIN = int(os.environ.get("SPIN", "0"))


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answers any request with two bytes, after the loop."""
    if scope["type"] != "http":
        return
    await receive()
    number = 1
    for _ in range(SPIN):
        number = (number * 1103515245 + 12345) & 0x7FFFFFFF
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})
