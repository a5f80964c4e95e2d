"""RSGI, granian's own interface."""

from typing import Any

from benchmarks.entities_servers.opened import PREFIX, STORE

HEADERS = [("content-type", "application/octet-stream")]
KEY_AT = len(PREFIX)


async def app(scope: Any, protocol: Any) -> None:
    key = scope.query_string[KEY_AT:].encode()
    if scope.path != "/v0/entity":
        protocol.response_empty(404, [])
    elif not key:
        protocol.response_empty(400, [])
    elif scope.method == "GET":
        found = STORE.get(key)
        if found is None:
            protocol.response_empty(404, [])
        else:
            protocol.response_bytes(200, HEADERS, found)
    elif scope.method == "PUT":
        STORE.put(key, await protocol())
        protocol.response_empty(201, [])
    elif scope.method == "DELETE":
        STORE.delete(key)
        protocol.response_empty(202, [])
    else:
        protocol.response_empty(405, [])
