"""One request, and which route it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncline_probe.totals import Totals

OTHER = "(other)"
MARK = "syncline.seen"  # in the scope or environ of a request that is inside
RECEIVED = "syncline.received_s"  # in the scope: when the server had the request's head; monotonic
_NUMBERED = re.compile(r"[^/]*\d[^/]*")  # a part of a path that names one of many
_TEMPLATE = "path_template"  # where Litestar leaves the route in the ASGI scope


class Request:
    """One request that is inside the application.

    Its fields are written by whichever thread works for it; those do so one after another,
    and where an application makes them work side by side, a statement may be miscounted.
    All of them are there from the start: an attribute that stands in the class until it is set
    costs more to read than these to write.

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

    __slots__ = (
        *("in_statement", "inner", "left", "method", "path", "route", "scope", "started_s"),
        *("statement_s", "statements", "texts"),
    )

    started_s: float
    method: str
    path: str
    scope: Any
    inner: Any
    left: Totals | None
    route: str | None
    in_statement: bool
    statements: int
    statement_s: float
    texts: dict[str, int] | None


def router_of(scope: Any) -> Any:
    """What the router found, if it says so in the scope.

    For a route of a router that is included FastAPI has the route as it was made, without the
    prefix, and beside it the one as it is included.
    """
    own = scope.get("fastapi")
    included = own.get("effective_route_context") if type(own) is dict else None
    return scope.get("route") if included is None else included


def route_of(request: Request) -> str:
    """``GET /items/{id}``: by the router if it said so, else the path without its numbers."""
    scope = request.scope  # taken once: it goes as the request leaves, after ``left`` has come
    if scope is None and request.left is not None:
        return request.left.route
    if request.route is not None:
        return request.route
    template = None
    if scope is not None:
        router, method, path = router_of(scope), scope["method"], scope["path"]
        template = scope.get(_TEMPLATE) if router is None else getattr(router, "path", None)
    else:
        method, path = request.method, request.path
    if not isinstance(template, str):
        if path.count("/") > 7:
            path = "/".join(path.split("/", 8)[:8])
        template = _NUMBERED.sub("{}", path)[:120]
    return f"{method} {template}"
