"""Requests as the application sees them, and what each did with the database, by route."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import Any

from syncline_probe.board import Sample

_ROUTES = 200
_STATEMENTS = 50  # of a route
_STATEMENT_CHARS = 300
OTHER = "(other)"


class Request:
    """One request that is inside the application.

    Its fields are written by whichever thread works for it; those do so one after another,
    and where an application makes them work side by side, a statement may be miscounted.

    Attributes:
        started_s: monotonic, when the application was called.
        before_s: how long the server had had it by then; None if that is not known.
        inner: the coroutine of an ASGI application, for its stack.
        scope: the ASGI scope, in which routers leave the route; None for WSGI.
        route: the template, once it is known.
        statements, statement_s: so far; ``texts`` counts the statements by text.
        in_statement: whether one is being counted, so that the driver below does not again.
    """

    __slots__ = (
        *("before_s", "in_statement", "inner", "method", "path", "route", "scope", "started_s"),
        *("statement_s", "statements", "texts"),
    )

    def __init__(self, method: str, path: str, scope: Any, before_s: float | None) -> None:
        self.method = method
        self.path = path
        self.scope = scope
        self.route: str | None = None
        self.before_s = before_s
        self.inner: Any = None
        self.in_statement = False
        self.statements = 0
        self.statement_s = 0.0
        self.texts: dict[str, int] | None = None
        self.started_s = time.monotonic()


class _Totals:
    """What the ended requests of one route came to."""

    __slots__ = (
        *("before_count", "before_s", "inside_longest_s", "inside_s", "requests"),
        *("statement_s", "statements", "statements_max", "statements_min", "texts"),
    )

    def __init__(self) -> None:
        self.requests = 0
        self.inside_s = 0.0
        self.inside_longest_s = 0.0
        self.before_s = 0.0
        self.before_count = 0
        self.statements = 0
        self.statements_min: int | None = None
        self.statements_max = 0
        self.statement_s = 0.0
        self.texts: dict[str, list[int]] = {}  # by repeated statement: times, requests


current: ContextVar[Request | None] = ContextVar("syncline_request", default=None)
_inside: set[Request] = set()
_totals: dict[str, _Totals] = {}
_lock = threading.Lock()
_ended = 0


def begin(method: str, path: str, scope: Any = None, before_s: float | None = None) -> Request:
    """A request reached the application."""
    request = Request(method, path, scope, before_s)
    _inside.add(request)
    return request


def end(request: Request) -> None:
    """It left the application, whatever came of it."""
    global _ended
    inside_s = time.monotonic() - request.started_s
    _inside.discard(request)
    route = route_of(request)
    with _lock:
        _ended += 1
        totals = _totals.get(route)
        if totals is None:
            if len(_totals) >= _ROUTES:
                route = OTHER
            totals = _totals.setdefault(route, _Totals())
        totals.requests += 1
        totals.inside_s += inside_s
        if inside_s > totals.inside_longest_s:
            totals.inside_longest_s = inside_s
        if request.before_s is not None:
            totals.before_s += request.before_s
            totals.before_count += 1
        _add_statements(totals, request)
    request.inner = request.scope = None


def _add_statements(totals: _Totals, request: Request) -> None:
    count = request.statements
    totals.statements += count
    totals.statement_s += request.statement_s
    if count > totals.statements_max:
        totals.statements_max = count
    if totals.statements_min is None or count < totals.statements_min:
        totals.statements_min = count
    if request.texts is not None and count > len(request.texts):
        for text, times in request.texts.items():
            if times > 1:
                known = totals.texts.get(text)
                if known is not None:
                    known[0] += times
                    known[1] += 1
                elif len(totals.texts) < _STATEMENTS:
                    totals.texts[text] = [times, 1]


def route_of(request: Request) -> str:
    """``GET /items/{id}``: by the router if it said so, else the path without its numbers."""
    if request.route is not None:
        return request.route
    template: Any = None
    if request.scope is not None:
        template = getattr(request.scope.get("route"), "path", None)
    if not isinstance(template, str):
        template = "/".join(
            "{}" if any(char.isdigit() for char in part) else part
            for part in request.path.split("/")[:8]
        )[:120]
    return f"{request.method} {template}"


def live() -> list[Request]:
    """The requests that are inside the application now."""
    for _ in range(10):
        try:
            return list(_inside)
        except RuntimeError:  # it changed while it was read
            continue
    return []


def ended() -> int:
    """How many have left."""
    return _ended


def any_inside() -> bool:
    """Whether there are any."""
    return bool(_inside)


def gauge(sample: Sample) -> None:
    """How many are inside, since when, and how many have left."""
    now = time.monotonic()
    inside = live()
    if not _ended and not inside:
        return
    sample["requests_in_flight"] = len(inside)
    sample["requests_oldest_ms"] = (
        max((now - request.started_s for request in inside), default=0.0) * 1000
    )
    with _lock:
        sample["requests_total"] = _ended
        sample["requests_inside_s_total"] = sum(one.inside_s for one in _totals.values())
        sample["requests_before_s_total"] = sum(one.before_s for one in _totals.values())
        sample["sql_statements_total"] = sum(one.statements for one in _totals.values())
        sample["sql_statement_s_total"] = sum(one.statement_s for one in _totals.values())


def rows() -> list[dict[str, object]]:
    """One row for each route, of everything since the process began."""
    inside: dict[str, int] = {}
    for request in live():
        route = route_of(request)
        inside[route] = inside.get(route, 0) + 1
    with _lock:
        return [
            _row(route, _totals.get(route) or _Totals(), inside.get(route, 0))
            for route in sorted({*_totals, *inside})
        ]


def _row(route: str, totals: _Totals, in_flight: int) -> dict[str, object]:
    repeated: dict[str, object] | None = None
    if totals.texts:
        text, (times, requests) = max(totals.texts.items(), key=lambda item: item[1][0])
        repeated = {
            "statement": text[:_STATEMENT_CHARS],
            "times": times,
            "requests": requests,
        }
    return {
        "route": route,
        "requests": totals.requests,
        "in_flight": in_flight,
        "inside_s": round(totals.inside_s, 6),
        "inside_longest_s": round(totals.inside_longest_s, 6),
        "before_s": round(totals.before_s, 6) if totals.before_count else None,
        "statements": totals.statements,
        "statements_min": totals.statements_min or 0,
        "statements_max": totals.statements_max,
        "statement_s": round(totals.statement_s, 6),
        "repeated": repeated,
    }


def forget() -> None:
    """In a fork's child: what the parent served is not the child's."""
    global _lock, _ended
    _lock = threading.Lock()
    _ended = 0
    _inside.clear()
    _totals.clear()
