"""asyncpg's own pools."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.impose.asked import Asked


def install(_board: Board, asked: Asked, library: ModuleType | None) -> None:
    pool: Any = vars(library)["Pool"]
    original = pool.__init__
    defaults = inspect.signature(vars(library)["create_pool"]).parameters

    @functools.wraps(original)
    def begin(self: Any, *args: Any, **options: Any) -> None:
        if "pool_size" in asked.values:
            size = int(asked.values["pool_size"])
            asked.took("pool_size", options.get("max_size", defaults["max_size"].default))
            options["max_size"] = size
            options["min_size"] = min(options.get("min_size", defaults["min_size"].default), size)
        if asked.values.get("max_overflow") == "0":
            asked.took("max_overflow", 0)
        asked.refused("max_overflow", "asyncpg's pools have no overflow")
        asked.refused("pool_timeout", "asyncpg's pools have no such setting")
        original(self, *args, **options)

    pool.__init__ = begin
