"""Requests as the application sees them, and what each did with the database, by route."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from typing import Any

from syncline_probe.board import Sample

_ROUTES = 200
_STATEMENTS = 50  # of a route
_STATEMENT_CHARS = 300
OTHER = "(other)"
_NUMBERED = re.compile(r"[^/]*\d[^/]*")  # a part of a path that names one of many
_TEMPLATE = "path_template"  # where Litestar leaves the route in the ASGI scope


class Request:
    """One request that is inside the application.

    Its fields are written by whichever thread works for it; those do so one after another,
    and where an application makes them work side by side, a statement may be miscounted.
    What most requests leave as it is stands in the class: this is made for every request.

    Attributes:
        started_s: monotonic, when the application was called.
        inner: the coroutine of an ASGI application, for its stack.
        scope: the ASGI scope, in which routers leave the route, until it leaves; None for WSGI.
        method, path: where there is no scope.
        route: method and template, if a hook knows them.
        left: what it was added to as it left; None before.
        statements, statement_s: so far; ``texts`` counts the statements by text.
        in_statement: whether one is being counted, so that the driver below does not again.
    """

    started_s: float
    method: str
    path: str
    scope: Any = None
    inner: Any = None
    left: Totals | None = None
    route: str | None = None
    in_statement = False
    statements = 0
    statement_s = 0.0
    texts: dict[str, int] | None = None


class Totals:
    """What the ended requests of one route came to."""

    __slots__ = (
        *("before_count", "before_s", "inside_longest_s", "inside_s", "requests"),
        *("route", "routers", "statement_s", "statements", "statements_max"),
        *("statements_min", "texts"),
    )

    def __init__(self, route: str) -> None:
        self.route = route
        self.routers: list[object] = []
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

    def add(self, request: Request, inside_s: float, before_s: float | None) -> None:
        """One that leaves: at once, since what is kept for later costs more than its counting.

        It keeps the collector busy, and the next requests out of the processor's cache. The
        interpreter gives its lock away at calls and loops only, so within no addition; where
        there is no such lock, threads that leave at one instant may lose a count.
        """
        self.requests += 1
        self.inside_s += inside_s
        if inside_s > self.inside_longest_s:
            self.inside_longest_s = inside_s
        if before_s is not None:
            self.before_s += before_s
            self.before_count += 1
        if self.statements_min != 0 or request.statements:
            self._add_statements(request)

    def _add_statements(self, request: Request) -> None:
        count = request.statements
        self.statements += count
        self.statement_s += request.statement_s
        if count > self.statements_max:
            self.statements_max = count
        if self.statements_min is None or count < self.statements_min:
            self.statements_min = count
        if request.texts is not None and count > len(request.texts):
            # A copy: a thread that it has left behind may still run statements.
            for text, times in request.texts.copy().items():
                if times > 1 and (text in self.texts or len(self.texts) < _STATEMENTS):
                    known = self.texts.setdefault(text, [0, 0])
                    known[0] += times
                    known[1] += 1


current: ContextVar[Request | None] = ContextVar("syncline_request", default=None)
inside: set[Request] = set()
by_router: dict[tuple[int, str], Totals] = {}  # by the identity of the router's object, and method
_totals: dict[str, Totals] = {}
_faults: list[BaseException] = []


def begin(method: str, path: str) -> Request:
    """A request reached a WSGI application."""
    request = Request()
    request.started_s = time.monotonic()
    request.method, request.path = method, path
    inside.add(request)
    return request


def name_route(template: str) -> None:
    """The router has found what the current request asked for."""
    request = current.get()
    if request is not None and request.left is None:
        scope = request.scope
        method = request.method if scope is None else scope["method"]
        request.route = f"{method} {template}"


def end(request: Request) -> None:
    """It left the application, whatever came of it."""
    inside_s = time.monotonic() - request.started_s
    inside.discard(request)
    try:
        request.left = totals = _totals_of(request)
        totals.add(request, inside_s, None)
    except Exception as error:  # noqa: BLE001 - the request is the service's
        failed(request, error)


def failed(request: Request, error: BaseException) -> None:
    """A request could not be counted: the next look at the board finds it."""
    request.route = OTHER  # what outlives it asks for its route
    _faults[:] = [error]


def count() -> int:
    """How many have left in all."""
    return sum(one.requests for one in list(_totals.values()))


def totals_of(router: Any, method: str, request: Request) -> Totals:
    """Those of a request that are not in ``by_router``, and are from now on.

    There they are by the router's own object, where there is one: a name is made once a route.
    """
    totals = _totals_of(request)
    if router is not None and request.route is None and len(by_router) < _ROUTES:
        by_router[id(router), method] = totals
        totals.routers.append(router)  # kept, so that no other object gets its id
    return totals


def _totals_of(request: Request) -> Totals:
    route = route_of(request)
    if route not in _totals and len(_totals) >= _ROUTES:
        route = OTHER
    return _totals.get(route) or _totals.setdefault(route, Totals(route))


def route_of(request: Request) -> str:
    """``GET /items/{id}``: by the router if it said so, else the path without its numbers."""
    scope = request.scope  # taken once: it goes as the request leaves, after ``left`` has come
    if scope is None and request.left is not None:
        return request.left.route
    if request.route is not None:
        return request.route
    template = None
    if scope is not None:
        router, method, path = scope.get("route"), scope["method"], scope["path"]
        template = scope.get(_TEMPLATE) if router is None else getattr(router, "path", None)
    else:
        method, path = request.method, request.path
    if not isinstance(template, str):
        if path.count("/") > 7:
            path = "/".join(path.split("/", 8)[:8])
        template = _NUMBERED.sub("{}", path)[:120]
    return f"{method} {template}"


def live() -> list[Request]:
    """The requests that are inside the application now."""
    for _ in range(10):
        try:
            return list(inside)
        except RuntimeError:  # it changed while it was read
            continue
    return []


def any_inside() -> bool:
    """Whether there are any."""
    return bool(inside)


def gauge(sample: Sample) -> None:
    """How many are inside, since when, and how many have left."""
    if _faults:
        raise _faults.pop()
    now = time.monotonic()
    left = count()
    now_inside = live()
    if not left and not now_inside:
        return
    sample["requests_in_flight"] = len(now_inside)
    sample["requests_oldest_ms"] = (
        max((now - request.started_s for request in now_inside), default=0.0) * 1000
    )
    every = list(_totals.values())
    sample["requests_total"] = left
    sample["requests_inside_s_total"] = sum(one.inside_s for one in every)
    sample["requests_before_s_total"] = sum(one.before_s for one in every)
    sample["sql_statements_total"] = sum(one.statements for one in every)
    sample["sql_statement_s_total"] = sum(one.statement_s for one in every)


def rows() -> list[dict[str, object]]:
    """One row for each route, of everything since the process began."""
    in_flight: dict[str, int] = {}
    for request in live():
        route = route_of(request)
        in_flight[route] = in_flight.get(route, 0) + 1
    return [
        _row(_totals.get(route) or Totals(route), in_flight.get(route, 0))
        for route in sorted({*_totals, *in_flight})
    ]


def _row(totals: Totals, in_flight: int) -> dict[str, object]:
    repeated: dict[str, object] | None = None
    if totals.texts:
        text, (times, requests) = max(list(totals.texts.items()), key=lambda item: item[1][0])
        repeated = {
            "statement": text[:_STATEMENT_CHARS],
            "times": times,
            "requests": requests,
        }
    return {
        "route": totals.route,
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
    inside.clear()
    by_router.clear()
    _totals.clear()
    _faults.clear()
