"""SQL statements through psycopg itself, sync and async."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.statements import count_methods, counted, counted_async


def install(_board: Board, library: ModuleType | None) -> None:
    psycopg: Any = library
    for cursor, wrap in ((psycopg.Cursor, counted), (psycopg.AsyncCursor, counted_async)):
        count_methods(cursor, ("execute", "executemany"), wrap)
