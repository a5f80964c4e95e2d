"""Requests of any ASGI or WSGI application under granian."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from syncline_probe.apps import counted_app
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    original = module.load_target

    @functools.wraps(original)  # granian sends it to its workers by its name
    def load_target(*args: Any, **options: Any) -> Any:
        app = original(*args, **options)
        return app if hasattr(app, "__rsgi__") else counted_app(board, app)

    module.load_target = load_target
