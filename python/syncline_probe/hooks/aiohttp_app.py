"""Requests of aiohttp's server, by resource; it is a server of its own, under gunicorn too."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from syncline_probe import ledger, requests
from syncline_probe.apps import report
from syncline_probe.board import Board
from syncline_probe.routing import route_note


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    report(board)
    original = module.Application._handle

    async def _handle(self: Any, asked: Any) -> Any:
        request = requests.begin(asked.method, asked.path)
        token = ledger.current.set(request)
        try:
            request.inner = inner = original(self, asked)
            return await inner
        finally:
            ledger.current.reset(token)
            request.inner = None
            requests.end(request)

    module.Application._handle = _handle
    _note_resources(board, sys.modules[module.UrlDispatcher.__module__])


def _note_resources(board: Board, dispatcher: Any) -> None:
    """As the router finds it, so that a request that is still inside has its route already."""
    original = dispatcher.UrlMappingMatchInfo.__init__
    note = route_note(board, "aiohttp routes", _template)

    def begin(self: Any, match: Any, route: Any) -> None:
        original(self, match, route)
        note(route)

    dispatcher.UrlMappingMatchInfo.__init__ = begin


def _template(route: Any) -> str | None:
    resource = getattr(route, "resource", None)
    return None if resource is None else resource.canonical
