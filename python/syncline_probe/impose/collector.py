"""When Python looks for garbage."""

from __future__ import annotations

import gc
from types import ModuleType

from syncline_probe import ledger
from syncline_probe.board import Board
from syncline_probe.collecting import allowance
from syncline_probe.impose.asked import Asked


def install(board: Board, asked: Asked, _library: ModuleType | None) -> None:
    value = asked.values["gc_threshold"]
    if value == "freeze":
        _freeze_later(board, asked)
        return
    asked.took("gc_threshold", allowance.own() if gc.isenabled() else "off")
    if value == "off":
        gc.disable()
    else:
        gc.set_threshold(int(value), *gc.get_threshold()[1:])


def _freeze_later(board: Board, asked: Asked) -> None:
    """Once a request has been through: what a service keeps for its life is there then."""

    def tick(_now: float) -> None:
        if ledger.count():
            del board.ticks["freeze"]
            gc.collect()
            gc.freeze()
            asked.took("gc_threshold", allowance.own())

    board.ticks["freeze"] = tick
