"""Requests of Django, WSGI and ASGI, by URL pattern."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.apps import count_class, counted_asgi, counted_wsgi
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    """For each of the modules ``django.core.handlers.base``, ``.wsgi`` and ``.asgi``."""
    module: Any = library
    if module.__name__.endswith(".wsgi"):
        count_class(board, module.WSGIHandler, counted_wsgi)
    elif module.__name__.endswith(".asgi"):
        count_class(board, module.ASGIHandler, counted_asgi)
    else:
        _note_patterns(module.BaseHandler)


def _note_patterns(handler: Any) -> None:
    original = handler.resolve_request

    def resolve_request(self: Any, asked: Any) -> Any:
        match = original(self, asked)
        requests.name_route(f"/{match.route}")
        return match

    handler.resolve_request = resolve_request
