"""SQL statements through PyMySQL itself."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.statements import counted


def install(_board: Board, library: ModuleType | None) -> None:
    cursor: Any = vars(library)["Cursor"]
    for name in ("execute", "executemany"):
        setattr(cursor, name, counted(getattr(cursor, name)))
