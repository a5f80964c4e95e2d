"""SQL statements through asyncpg itself."""

from __future__ import annotations

from types import ModuleType

from syncline_probe.board import Board
from syncline_probe.statements import count_methods, counted_async


def install(_board: Board, library: ModuleType | None) -> None:
    names = ("execute", "executemany", "fetch", "fetchval", "fetchrow")
    count_methods(vars(library)["Connection"], names, counted_async)
