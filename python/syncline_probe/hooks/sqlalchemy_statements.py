"""SQL statements through SQLAlchemy: by request, and in or between transactions."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.board import Board
from syncline_probe.hooks.sqlalchemy_pools import hold_of

_TEXTS = 100  # of one request
_TEXT_CHARS = 400


def install(_board: Board, library: ModuleType | None) -> None:
    sqlalchemy: Any = library
    engine: Any = sys.modules["sqlalchemy.engine.base"].Engine
    listen = sqlalchemy.event.listen
    listen(engine, "before_cursor_execute", _before)
    listen(engine, "after_cursor_execute", _after)
    listen(engine, "handle_error", _failed)
    listen(engine, "commit", _transaction_ended)
    listen(engine, "rollback", _transaction_ended)


def _before(
    conn: Any, _cursor: Any, _text: Any, _parameters: Any, _context: Any, _many: Any
) -> None:
    hold = hold_of(conn)
    if hold is not None:
        hold.busy_s = time.monotonic()


def _after(conn: Any, _cursor: Any, text: str, _parameters: Any, _context: Any, _many: Any) -> None:
    hold = hold_of(conn)
    if hold is None or hold.busy_s is None:
        return
    now = time.monotonic()
    took_s = now - hold.busy_s
    hold.busy_s = None
    hold.last_s = now
    hold.statement_s += took_s
    request = requests.current.get()
    if request is None:
        return
    request.statements += 1
    request.statement_s += took_s
    texts = request.texts
    if texts is None:
        texts = request.texts = {}
    if text in texts:
        texts[text] += 1
    elif len(texts) < _TEXTS:
        texts[text] = 1


def _failed(context: Any) -> None:
    conn = context.connection
    hold = hold_of(conn) if conn is not None else None
    if hold is not None and hold.busy_s is not None:
        hold.statement_s += time.monotonic() - hold.busy_s
        hold.busy_s = None


def _transaction_ended(conn: Any) -> None:
    hold = hold_of(conn)
    if hold is not None:
        hold.last_s = None
