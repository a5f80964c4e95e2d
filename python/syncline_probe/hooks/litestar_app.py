"""Requests of Litestar; it leaves the path of the handler in the scope."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import count_class, counted_asgi
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    count_class(board, module.Litestar, counted_asgi)
