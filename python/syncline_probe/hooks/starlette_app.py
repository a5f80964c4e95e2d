"""Requests of Starlette and what is built on it: FastAPI calls this class's ``__call__``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import count_class, counted_asgi
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    count_class(board, module.Starlette, counted_asgi)
