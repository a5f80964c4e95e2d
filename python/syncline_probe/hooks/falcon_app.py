"""Requests of Falcon, WSGI and ASGI, by URI template."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import count_class, counted_asgi, counted_wsgi
from syncline_probe.board import Board
from syncline_probe.routing import route_note


def install(board: Board, library: ModuleType | None) -> None:
    """For each of the modules ``falcon.app`` and ``falcon.asgi.app``.

    Its wheels are compiled: no server's hook can tell by the code what its applications are.
    """
    module: Any = library
    if module.__name__ == "falcon.asgi.app":
        count_class(board, module.App, counted_asgi)
    else:
        count_class(board, module.App, counted_wsgi)
        _note_templates(board, module.App)


def _note_templates(board: Board, app: Any) -> None:
    original = app._get_responder
    note = route_note(board, "falcon routes", lambda found: found[-1])

    def _get_responder(self: Any, asked: Any) -> Any:
        found = original(self, asked)
        note(found)
        return found

    app._get_responder = _get_responder
