"""SQL statements through asyncpg itself."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.statements import counted_async


def install(_board: Board, library: ModuleType | None) -> None:
    connection: Any = vars(library)["Connection"]
    names = ("execute", "executemany", "fetch", "fetchval", "fetchrow")
    changed = {name: counted_async(getattr(connection, name)) for name in names}
    for name, function in changed.items():
        setattr(connection, name, function)
