"""Requests of Django, WSGI and ASGI, by URL pattern."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import count_class, counted_asgi, counted_wsgi
from syncline_probe.board import Board
from syncline_probe.routing import route_note


def install(board: Board, library: ModuleType | None) -> None:
    """For each of the modules ``django.core.handlers.base``, ``.wsgi`` and ``.asgi``."""
    module: Any = library
    if module.__name__.endswith(".wsgi"):
        count_class(board, module.WSGIHandler, counted_wsgi)
    elif module.__name__.endswith(".asgi"):
        count_class(board, module.ASGIHandler, counted_asgi)
    else:
        _note_patterns(board, module.BaseHandler)


def _note_patterns(board: Board, handler: Any) -> None:
    original = handler.resolve_request
    note = route_note(board, "django routes", lambda match: f"/{match.route}")

    def resolve_request(self: Any, asked: Any) -> Any:
        match = original(self, asked)
        note(match)
        return match

    handler.resolve_request = resolve_request
