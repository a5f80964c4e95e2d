"""What it costs to write the log: each record that passed its logger's level."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.effort import log


def install(board: Board, library: ModuleType | None) -> None:
    logging: Any = library
    # Not _log, from which the caller's line is looked up by counting frames.
    log.time_method(logging.Logger, "handle")
    log.report(board)
