"""Requests of aiohttp's server, by resource; it is a server of its own, under gunicorn too."""

from __future__ import annotations

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
            request.route = _route(asked)
            requests.end(request)

    module.Application._handle = _handle


def _route(asked: Any) -> str | None:
    resource = getattr(getattr(asked.match_info, "route", None), "resource", None)
    return None if resource is None else f"{asked.method} {resource.canonical}"
