"""The requests that are inside the application, and by route what those that left came to."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from syncline_probe.others import Others
from syncline_probe.request import OTHER, Request, route_of, router_of
from syncline_probe.totals import Totals

ROUTES = 200
_clock = time.monotonic

# Which request the running code works for; ``requests.follow`` gives what reads it.
current: ContextVar[Request | None] = ContextVar("syncline_request", default=None)
inside: set[Request] = set()  # those with a record
others = Others()
totals: dict[str, Totals] = {}
by_router: dict[tuple[int, str], Totals] = {}  # by the identity of the router's object, and method
routed: dict[int, list[Totals]] = {}  # all of a router's object, by whatever name or method
faults: list[BaseException] = []


def new_record(method: str, path: str, scope: Any) -> Request:
    """One of its own for a request; ``method`` and ``path`` where there is no scope."""
    request = Request()
    request.method, request.path, request.scope = method, path, scope
    request.inner = request.left = request.route = request.texts = None
    request.in_statement = False
    request.statements = 0
    request.statement_s = 0.0
    request.started_s = _clock()
    return request


def failed(request: Request, error: BaseException) -> None:
    """A request could not be counted: the next look at the board finds it."""
    request.route = OTHER  # what outlives it asks for its route
    faults[:] = [error]


def count() -> int:
    """How many have left in all."""
    every = [one.requests + one.pending() for one in list(totals.values())]
    return round(sum(every) + others.pending())


def totals_by_router(scope: Any) -> Totals | None:
    """Those of requests for which the router found the same; None if none has left yet."""
    return by_router.get((id(router_of(scope)), scope["method"]))


def totals_of(request: Request) -> Totals:
    """Those of a request that are not in ``by_router``, and are from now on if they can.

    There they are by the router's own object, where there is one: a name is made once a route.
    """
    route = route_of(request)
    if route not in totals and len(totals) >= ROUTES:
        route = OTHER
    its = totals.get(route) or totals.setdefault(route, Totals(route))
    scope = request.scope
    if scope is not None:
        router = scope.get("route")
        if id(router) in routed or router is None or len(routed) < ROUTES:
            alike = routed.setdefault(id(router), [])
            if its not in alike:
                alike.append(its)
                its.routers.append(router)  # kept, so that no other object gets its identity
        known = router_of(scope)
        if known is not None and request.route is None and len(by_router) < ROUTES:
            its.routers.append(known)
            by_router[id(known), scope["method"]] = its
    return its


def live() -> list[Request]:
    """The requests that are inside the application now; without a record, since first seen."""
    found = with_record()
    for inner, scope in list(others.inside.items()):
        request = new_record("", "", scope)
        request.inner = inner
        request.started_s = others.seen_s.get(inner, request.started_s)
        found.append(request)
    return found


def with_record() -> list[Request]:
    """The requests inside that have a record."""
    for _ in range(10):
        try:
            return list(inside)
        except RuntimeError:  # it changed while it was read
            continue
    return []


def oldest(now: float) -> float:
    """Since when the first one with a record is inside."""
    return min([request.started_s for request in with_record()], default=now)


def number_inside() -> tuple[int, int]:
    """How many there are without a record, and with one."""
    return len(others.inside), len(inside)


def any_inside() -> bool:
    """Whether there are any."""
    return bool(inside or others.inside)


def forget() -> None:
    """In a fork's child: what the parent served is not the child's."""
    inside.clear()
    others.forget()
    by_router.clear()
    routed.clear()
    totals.clear()
    faults.clear()
