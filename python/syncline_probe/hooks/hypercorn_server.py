"""Requests of any application under hypercorn."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import counted_app
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    for name in ("ASGIWrapper", "WSGIWrapper"):
        _wrap(board, getattr(module, name))


def _wrap(board: Board, wrapper: Any) -> None:
    original = wrapper.__init__

    def begin(self: Any, app: Any, *args: Any, **options: Any) -> None:
        original(self, counted_app(board, app), *args, **options)

    wrapper.__init__ = begin
