"""Requests as the application sees them, and what each did with the database, by route."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from typing import Any, TypeAlias

from syncline_probe.board import Sample

_ROUTES = 200
_STATEMENTS = 50  # of a route
_STATEMENT_CHARS = 300
OTHER = "(other)"
_NUMBERED = re.compile(r"[^/]*\d[^/]*")  # a part of a path that names one of many
TEMPLATE = "path_template"  # where Litestar leaves the route in the ASGI scope


class Request:
    """One request that is inside the application.

    Its fields are written by whichever thread works for it; those do so one after another,
    and where an application makes them work side by side, a statement may be miscounted.
    What most requests leave as it is stands in the class: this is made for every request.

    Attributes:
        started_s: monotonic, when the application was called.
        inner: the coroutine of an ASGI application, for its stack.
        scope: the ASGI scope, in which routers leave the route, until it leaves; None for WSGI.
        method, path: of an ASGI request only once it has left.
        router: the router's object for the route, likewise; None if there is none.
        route: method and template, if a hook knows them.
        statements, statement_s: so far; ``texts`` counts the statements by text.
        in_statement: whether one is being counted, so that the driver below does not again.
    """

    started_s: float
    method: str
    path: str
    router: Any = None
    scope: Any = None
    inner: Any = None
    route: str | None = None
    in_statement = False
    statements = 0
    statement_s = 0.0
    texts: dict[str, int] | None = None


class _Totals:
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

    def add(
        self, requests: int, inside_s: float, longest_s: float, befores: int, before_s: float
    ) -> None:
        """Some that have left."""
        self.requests += requests
        self.inside_s += inside_s
        self.inside_longest_s = max(self.inside_longest_s, longest_s)
        self.before_count += befores
        self.before_s += before_s


# What its router found, the method, how long it was inside, how long the server had had it before
# (None if that is not known), and the request.
Left: TypeAlias = tuple[Any, str, float, float | None, Request]
current: ContextVar[Request | None] = ContextVar("syncline_request", default=None)
inside: set[Request] = set()
ended: list[Left] = []
_totals: dict[str, _Totals] = {}
_by_router: dict[tuple[int, str], _Totals] = {}
_counted = 0


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
    if request is not None:
        method = request.method if request.scope is None else request.scope["method"]
        request.route = f"{method} {template}"


def end(request: Request) -> None:
    """It left the application, whatever came of it."""
    inside_s = time.monotonic() - request.started_s
    inside.discard(request)
    router = request.router if request.route is None else None
    ended.append((router, request.method, inside_s, None, request))


def count() -> int:
    """Counts those that have left since the last call; how many have left in all.

    At the sampler's turns and in one go: done by each request as it leaves, out of the
    processor's cache, the same work takes ten times as long.
    """
    global _counted
    taken = ended[:]
    del ended[: len(taken)]  # others may have left meanwhile
    _counted += len(taken)
    totals: _Totals | None = None
    known = asked = None
    requests = befores = 0
    total_s = longest_s = total_before_s = 0.0
    for router, method, inside_s, before_s, request in taken:
        # Neighbours are mostly of one route: what is theirs in common is added in one go.
        if router is not known or router is None or method != asked or totals is None:
            if totals is not None:
                totals.add(requests, total_s, longest_s, befores, total_before_s)
            totals = _totals_of(router, method, request)
            known, asked = router, method
            requests = befores = 0
            total_s = longest_s = total_before_s = 0.0
        requests += 1
        total_s += inside_s
        if inside_s > longest_s:
            longest_s = inside_s
        if before_s is not None:
            befores += 1
            total_before_s += before_s
        if request.statements or totals.statements_min != 0:
            _add_statements(totals, request)
    if totals is not None:
        totals.add(requests, total_s, longest_s, befores, total_before_s)
    return _counted


def tick(_now: float) -> None:
    """Called often, so that what has left is not kept for long, listener or not."""
    if ended:
        count()


def _totals_of(router: Any, method: str, request: Request) -> _Totals:
    """By the router's own object where there is one: a name is made once a route."""
    if router is not None:
        totals = _by_router.get((id(router), method))
        if totals is not None:
            return totals
    request.router, request.method = router, method
    route = route_of(request)
    if route not in _totals and len(_totals) >= _ROUTES:
        route = OTHER
    totals = _totals.get(route)
    if totals is None:
        totals = _totals[route] = _Totals(route)
    if router is not None and len(_by_router) < _ROUTES:
        _by_router[id(router), method] = totals
        totals.routers.append(router)  # kept, so that no other object gets its id
    return totals


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
    scope = request.scope  # taken once: it goes as the request leaves
    if scope is not None:
        router, method, path = scope.get("route"), scope["method"], scope["path"]
    else:
        router, method, path = request.router, request.method, request.path
    template = getattr(router, "path", None)
    if router is None and scope is not None:
        template = scope.get(TEMPLATE)
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
        _row(_totals.get(route) or _Totals(route), in_flight.get(route, 0))
        for route in sorted({*_totals, *in_flight})
    ]


def _row(totals: _Totals, in_flight: int) -> dict[str, object]:
    repeated: dict[str, object] | None = None
    if totals.texts:
        text, (times, requests) = max(totals.texts.items(), key=lambda item: item[1][0])
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
    global _counted
    _counted = 0
    inside.clear()
    ended.clear()
    _totals.clear()
    _by_router.clear()
