"""SQL statements through SQLAlchemy: by request, and in or between transactions."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

from syncline_probe import requests, statements
from syncline_probe.board import Board
from syncline_probe.hooks.sqlalchemy_pools import hold_of


def install(_board: Board, library: ModuleType | None) -> None:
    sqlalchemy: Any = library
    engine: Any = sys.modules["sqlalchemy.engine.base"]
    listen = sqlalchemy.event.listen
    # With retval SQLAlchemy calls the listener itself, without it a wrapper of its own.
    listen(engine.Engine, "before_cursor_execute", _before, retval=True)
    listen(engine.Engine, "after_cursor_execute", _after)
    listen(engine.Engine, "handle_error", _failed)
    listen(engine.Engine, "commit", _transaction_ended)
    listen(engine.Engine, "rollback", _transaction_ended)


def _before(
    conn: Any, _cursor: Any, text: Any, given: Any, _context: Any, _many: Any
) -> tuple[Any, Any]:
    hold = hold_of(conn)
    if hold is not None:
        hold.busy_s = time.monotonic()
        request = requests.current.get()
        if request is not None:
            request.in_statement = True
    return text, given


def _after(conn: Any, _cursor: Any, text: str, _given: Any, _context: Any, _many: Any) -> None:
    took_s = _ended(hold_of(conn))
    request = requests.current.get()
    if request is not None:
        request.in_statement = False
        if took_s is not None:
            statements.note(request, text, took_s)


def _failed(context: Any) -> None:
    conn = context.connection
    if conn is not None:
        _ended(hold_of(conn))
    request = requests.current.get()
    if request is not None:
        request.in_statement = False


def _ended(hold: Any) -> float | None:
    if hold is None or hold.busy_s is None:
        return None
    now = time.monotonic()
    took_s: float = now - hold.busy_s
    hold.busy_s = None
    hold.last_s = now
    hold.statement_s += took_s
    return took_s


def _transaction_ended(conn: Any) -> None:
    hold = hold_of(conn)
    if hold is not None:
        hold.last_s = None
