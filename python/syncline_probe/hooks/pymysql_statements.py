"""SQL statements through PyMySQL itself."""

from __future__ import annotations

from types import ModuleType

from syncline_probe.board import Board
from syncline_probe.statements import count_methods, counted


def install(_board: Board, library: ModuleType | None) -> None:
    count_methods(vars(library)["Cursor"], ("execute", "executemany"), counted)
