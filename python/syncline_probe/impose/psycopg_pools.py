"""psycopg's own pools, sync and async."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.impose.asked import Asked

_KINDS = ("ConnectionPool", "AsyncConnectionPool")  # those without connections to keep are theirs
_NULL = ("NullConnectionPool", "AsyncNullConnectionPool")
_MIN_SIZE = 4
_TIMEOUT_S = 30.0


def install(_board: Board, asked: Asked, library: ModuleType | None) -> None:
    for name in _KINDS:
        _wrap(vars(library)[name], asked, tuple(vars(library)[null] for null in _NULL))


def _wrap(kind: Any, asked: Asked, null: tuple[Any, ...]) -> None:
    original = kind.__init__

    @functools.wraps(original)
    def begin(self: Any, *args: Any, **options: Any) -> None:
        if "pool_size" in asked.values:
            size = int(asked.values["pool_size"])
            least = options.get("min_size", 0 if isinstance(self, null) else _MIN_SIZE)
            most = options.get("max_size")
            asked.took("pool_size", least if most is None else most)
            options["max_size"] = size
            options["min_size"] = min(least, size)
        if "pool_timeout" in asked.values:
            asked.took("pool_timeout", options.get("timeout", _TIMEOUT_S))
            options["timeout"] = float(asked.values["pool_timeout"])
        if asked.values.get("max_overflow") == "0":
            asked.took("max_overflow", 0)
        asked.refused("max_overflow", "psycopg's pools have no overflow")
        original(self, *args, **options)

    kind.__init__ = begin
