"""SQL statements through SQLAlchemy: by request, and in or between transactions.

The dialect's own methods are wrapped, and no events are listened to: with one listener anywhere
SQLAlchemy goes through all of its events, and makes an object for each of them for each
connection that a session takes, which costs a request more than all else that the probe does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from syncline_probe import requests, statements
from syncline_probe.board import Board
from syncline_probe.hooks.sqlalchemy_pools import when_created
from syncline_probe.recoding import replaced

_changed: set[object] = set()  # methods


def install(_board: Board, _library: ModuleType | None) -> None:
    default: Any = sys.modules["sqlalchemy.engine.default"]
    for name in _WRAPPERS:
        getattr(default.DefaultDialect, name)  # a library without it is left as it was
    when_created.append(lambda engine: _wrap(type(engine.dialect)))


def _wrap(kind: Any) -> None:
    """Wraps the methods of a class of dialects, inherited ones included, once."""
    for name, wrapped in _WRAPPERS.items():
        method = getattr(kind, name, None)
        if method is None or method in _changed:
            continue
        switch = replaced(kind, name, wrapped)
        _changed.add(getattr(kind, name))
        if switch is not None:
            requests.when_recording(switch.turn)


def _executing(original: Callable[..., None]) -> Callable[..., None]:
    working_for, clock, note = requests.follow(), time.monotonic, statements.note

    # The parameters have SQLAlchemy's names: an heir may give them by name.
    def execute(
        self: Any, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        try:
            hold = context.root_connection._dbapi_connection._connection_record._syncline_hold
        except AttributeError:  # no context, or no pool's connection
            hold = None
        if hold is None or hold.busy_s is not None:  # the latter in a method that an heir's calls
            original(self, cursor, statement, parameters, context)
            return
        request = working_for()
        if request is not None:
            request.in_statement = True
        began = hold.busy_s = clock()
        try:
            original(self, cursor, statement, parameters, context)
        finally:
            hold.last_s = now = clock()
            hold.busy_s = None
            hold.statement_s += now - began
            if request is not None:
                request.in_statement = False
                note(request, statement, now - began)

    return execute


def _executing_bare(original: Callable[..., None]) -> Callable[..., None]:
    timed = _executing(lambda self, cursor, text, _, context: original(self, cursor, text, context))

    def execute(self: Any, cursor: Any, statement: str, context: Any = None) -> None:
        timed(self, cursor, statement, None, context)

    return execute


def _ending(original: Callable[..., None]) -> Callable[..., None]:
    def end(self: Any, connection: Any) -> None:
        try:
            hold = connection._connection_record._syncline_hold
        except AttributeError:
            hold = None
        if hold is not None:
            hold.last_s = None
        original(self, connection)

    return end


_WRAPPERS: dict[str, Callable[[Callable[..., None]], Callable[..., None]]] = {
    "do_execute": _executing,
    "do_executemany": _executing,
    "do_execute_no_params": _executing_bare,
    "do_commit": _ending,
    "do_rollback": _ending,
}
