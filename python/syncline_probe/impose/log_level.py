"""The level below which no logger of the service does anything.

:func:`logging.disable` comes before each logger's own level and is what costs least. It only
takes away: that more is written is up to the level that the server was started with.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.impose.asked import Asked


def install(_board: Board, asked: Asked, library: ModuleType | None) -> None:
    logging: Any = library
    level = asked.values["log_level"]
    asked.took("log_level", None)
    logging.disable(getattr(logging, level.upper()) - 1)
