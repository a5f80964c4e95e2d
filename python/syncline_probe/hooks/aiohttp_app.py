"""Requests of aiohttp's server, by resource; it is a server of its own, under gunicorn too."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.apps import report
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    report(board)
    original = module.Application._handle

    async def _handle(self: Any, asked: Any) -> Any:
        request = requests.begin(asked.method, asked.path)
        token = requests.current.set(request)
        try:
            request.inner = inner = original(self, asked)
            return await inner
        finally:
            requests.current.reset(token)
            request.inner = None
            requests.end(request)

    module.Application._handle = _handle
    _note_resources(sys.modules[module.UrlDispatcher.__module__])


def _note_resources(dispatcher: Any) -> None:
    """As the router finds it, so that a request that is still inside has its route already."""
    original = dispatcher.UrlMappingMatchInfo.__init__

    def begin(self: Any, match: Any, route: Any) -> None:
        original(self, match, route)
        resource = getattr(route, "resource", None)
        if resource is not None:
            requests.name_route(resource.canonical)

    dispatcher.UrlMappingMatchInfo.__init__ = begin
