"""Applications with a look at each request around them, ASGI and WSGI.

Servers' hooks wrap the application object; frameworks' hooks wrap the class's ``__call__``.
An application is counted once: a wrapped class is left alone by the server's hook, and what is
called while a request is inside already, such as a mounted application, is part of that request.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import MethodType
from typing import Any

from syncline_probe import ledger, requests
from syncline_probe.board import Board
from syncline_probe.collecting import allowance
from syncline_probe.impose.admission import held_asgi, held_wsgi
from syncline_probe.request import MARK, Request
from syncline_probe.standing import standing

_COUNTED = "_syncline_counted"


def counted_asgi(call: Callable[..., Any]) -> Callable[..., Any]:
    """The unbound ``__call__`` of an ASGI application's class, with its requests counted."""
    records, others_inside = requests.records, ledger.others.inside
    other_left = ledger.others.left

    # With too few arguments it fails at the call, as the application's own would: it is by
    # calling it with none that uvicorn tells an application from a factory of one.
    @functools.wraps(call)
    async def counted(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or MARK in scope:
            await call(self, scope, receive, send)
            return
        scope[MARK] = True
        if not records:
            others_inside[inner := call(self, scope, receive, send)] = scope
            try:
                await inner
            finally:
                other_left(scope.get("route"))
                others_inside.pop(inner, None)  # a fork amid it has forgotten it
            return
        del records[-1:]  # another thread may have taken the last meanwhile
        request = requests.begin("", "", scope)
        token = ledger.current.set(request) if requests.followed else None
        try:
            request.inner = inner = call(self, scope, receive, send)
            await inner
        finally:
            requests.end(request)
            if token is not None:
                ledger.current.reset(token)

    return counted


def counted_wsgi(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same for WSGI; the request ends when its body has been taken or closed."""

    @functools.wraps(call)
    def counted(*args: Any) -> Any:
        environ = args[-2]
        if MARK in environ:
            return call(*args)
        environ[MARK] = True
        request = requests.begin(
            environ.get("REQUEST_METHOD", "GET"), environ.get("PATH_INFO", "/")
        )
        token = ledger.current.set(request)
        try:
            body = call(*args)
        except BaseException:
            requests.end(request)
            raise
        finally:
            ledger.current.reset(token)
        if type(body) in (list, tuple):
            requests.end(request)
            return body
        return _Body(body, request)

    return counted


class _Body:
    """The body of an answer; made piece by piece, it may still work for the request."""

    def __init__(self, body: Iterable[bytes], request: Request) -> None:
        self._body = body
        self._pieces: Iterator[bytes] | None = None
        self._request: Request | None = request

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        token = ledger.current.set(self._request)
        try:
            if self._pieces is None:
                self._pieces = iter(self._body)
            return next(self._pieces)
        except BaseException:
            self._end()
            raise
        finally:
            ledger.current.reset(token)

    def close(self) -> None:
        self._end()
        close = getattr(self._body, "close", None)
        if close is not None:
            close()

    def _end(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            requests.end(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


def count_class(board: Board, kind: Any, wrap: Callable[..., Any]) -> None:
    """Counts the requests of all instances of an application class."""
    report(board)
    held = held_asgi if wrap is counted_asgi else held_wsgi
    kind.__call__ = held(wrap(kind.__call__))
    setattr(kind, _COUNTED, True)


def counted_app(board: Board, app: Any) -> Any:
    """The application as a server's hook hands it back: wrapped, unless its class is."""
    if is_counted(app) or not callable(app):
        return app
    report(board)
    call = app if inspect.isroutine(app) else type(app).__call__
    if inspect.iscoroutinefunction(inspect.unwrap(call)):
        unbound = _with_self(app) if call is app else call
        return held_asgi(MethodType(counted_asgi(unbound), app))
    parameters = _parameters(call)
    if parameters is not None and parameters - (call is not app) == 2:
        return held_wsgi(counted_wsgi(app))
    return app


def _with_self(app: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is an application, as the method of a class would be called."""

    @functools.wraps(app)
    def call(_self: Any, scope: Any, receive: Any, send: Any) -> Any:
        return app(scope, receive, send)

    return call


def is_counted(app: Any) -> bool:
    """Whether its class counts its requests."""
    return bool(getattr(type(app), _COUNTED, False))


def report(board: Board) -> None:
    """Puts requests on the board; once is enough."""
    requests.report(board)
    board.ticks.setdefault("collecting", allowance.tick)
    board.ticks.setdefault("standing", standing.tick)
    board.summaries.setdefault("standings", standing.rows)


def _parameters(call: Callable[..., Any]) -> int | None:
    try:
        return len(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return None
