"""Raw ASGI: no framework."""

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.entities_servers.opened import BYTES, EMPTY, PREFIX, STORE

Message = dict[str, Any]


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        return
    method, headers, body, status = scope["method"], EMPTY, b"", 404
    key = scope["query_string"].removeprefix(PREFIX)
    if scope["path"] != "/v0/entity":
        pass
    elif not key:
        status = 400
    elif method == "GET":
        found = STORE.get(key)
        if found is not None:
            status, body = 200, found
            headers = [(b"content-length", b"%d" % len(body)), BYTES]
    elif method == "PUT":
        value, more = b"", True
        while more:
            message = await receive()
            value += message.get("body", b"")
            more = message.get("more_body", False)
        STORE.put(key, value)
        status = 201
    elif method == "DELETE":
        STORE.delete(key)
        status = 202
    else:
        status = 405
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
