"""A route's note runs in the service's own requests: it may fail, and they may not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from syncline_probe import apps, ledger, requests
from syncline_probe.board import Board
from syncline_probe.hooks import django_app
from syncline_probe.request import RECEIVED, Request, route_of
from syncline_probe.routing import route_note


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has a record."""
    monkeypatch.setattr(requests, "records", [None] * 1000)
    monkeypatch.setattr(requests, "followed", True)


@pytest.fixture
def asked() -> Iterator[Request]:
    request = requests.begin("GET", "/books/7")
    token = ledger.current.set(request)
    yield request
    ledger.current.reset(token)
    requests.forget()


def test_a_note_names_the_route_of_the_request_that_asks(asked: Request) -> None:
    note = route_note(Board(), "some routes", lambda found: found)
    note(None)
    assert asked.route is None
    note("/books/{id}")
    assert asked.route == "GET /books/{id}"


def test_a_note_that_fails_is_off_and_said_once(asked: Request) -> None:
    board, calls = Board(), []

    def template(found: Any) -> str:
        calls.append(found)
        return str(found.path)

    note = route_note(board, "some routes", template)
    note(object())
    note(SimpleNamespace(path="/books/{id}"))
    assert len(calls) == 1
    assert asked.route is None
    (event,) = board.taken_events()
    assert (event["name"], event["hook"]) == ("hook-failed", "some routes")


def test_a_framework_that_has_changed_goes_on_serving(asked: Request) -> None:
    """Django's resolver gives something without a route: the request gets it all the same."""
    board = Board()
    handler = type("BaseHandler", (), {"resolve_request": lambda _self, _asked: "found"})
    module: Any = SimpleNamespace(__name__="django.core.handlers.base", BaseHandler=handler)
    django_app.install(board, module)
    assert handler().resolve_request("request") == "found"
    assert [event["hook"] for event in board.taken_events()] == ["django routes"]
    assert asked.route is None


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/books/17/pages", "/books/{}/pages"),
        ("/a1b/c/22/", "/{}/c/{}/"),
        ("/1/2/3/4/5/6/7/8/9", "/{}/{}/{}/{}/{}/{}/{}"),
        ("/a/b/c/d/e/f/g/h/i", "/a/b/c/d/e/f/g"),
    ],
)
def test_a_path_without_a_route_is_named_without_its_numbers(path: str, route: str) -> None:
    request = requests.begin("GET", path)
    requests.end(request)
    assert route_of(request) == f"GET {route}"
    requests.forget()


@pytest.mark.usefixtures("few")
def test_neighbours_of_other_routes_and_methods_are_counted_apart() -> None:
    one, other = SimpleNamespace(path="/one"), SimpleNamespace(path="/other")
    found: list[tuple[Any, str, str | None]] = [
        (one, "GET", None),
        (one, "GET", None),
        (one, "POST", None),
        (other, "POST", None),
        (one, "POST", "POST /named"),
        (one, "POST", None),
        (None, "POST", None),
        (None, "POST", "POST /named"),
    ]
    for router, method, route in found:
        _ask(method, router, route, "/path")
    try:
        assert ledger.count() == len(found)
        counts = {row["route"]: row["requests"] for row in requests.rows()}
    finally:
        requests.forget()
    assert counts == {
        "GET /one": 2,
        "POST /one": 2,
        "POST /other": 1,
        "POST /named": 2,
        "POST /path": 1,
    }


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("found", "route"),
    [
        ({"route": SimpleNamespace(path="/books/{id}")}, "GET /books/{id}"),
        (
            {
                "route": SimpleNamespace(path="/{id}"),
                "fastapi": {"effective_route_context": SimpleNamespace(path="/books/{id}")},
            },
            "GET /books/{id}",
        ),
        ({"path_template": "/books/{id:int}"}, "GET /books/{id:int}"),
        ({}, "GET /books/{}"),
    ],
    ids=["router", "included", "template", "path"],
)
def test_a_request_has_its_route_while_it_is_inside_and_after_it_has_left(
    found: dict[str, Any], route: str
) -> None:
    """What it has taken, as a connection, may stay out for longer than itself."""
    seen: list[Request] = []
    inside: list[str] = []

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope.update(found)
        request = ledger.current.get()
        assert request is not None
        seen.append(request)
        inside.append(route_of(request))

    counted = apps.counted_asgi(call)
    try:
        for _ in range(3):
            scope = {"type": "http", "method": "GET", "path": "/books/7", RECEIVED: 1.0}
            asyncio.run(counted(None, scope, None, None))
        (row,) = requests.rows()
    finally:
        requests.forget()
    assert inside == [route_of(one) for one in seen] == [route] * 3
    assert (row["route"], row["requests"]) == (route, 3)
    assert all(one.scope is None for one in seen), "nothing of the service is kept"


def test_of_requests_that_leave_in_many_threads_at_once_none_is_lost() -> None:
    def some() -> None:
        for number in range(2000):
            request = requests.begin("GET", "/some")
            request.statements = number % 3
            request.statement_s = 0.001
            requests.end(request)

    try:
        with ThreadPoolExecutor(8) as threads:
            for one in [threads.submit(some) for _ in range(8)]:
                one.result()
        (row,) = requests.rows()
    finally:
        requests.forget()
    assert row["requests"] == 8 * 2000
    assert row["statements"] == 8 * sum(number % 3 for number in range(2000))
    assert (row["statements_min"], row["statements_max"]) == (0, 2)


def _ask(method: str, found: object, named: str | None = None, path: str = "/") -> None:
    """A request of which the router found this, or a hook knows the name."""

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = found
        if named is not None:
            requests.name_route(named.removeprefix(f"{method} "))

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(apps.counted_asgi(call)(None, scope, None, None))


@pytest.mark.usefixtures("few")
def test_a_request_that_cannot_be_counted_is_served_and_told_at_the_next_look() -> None:
    class Broken:
        @property
        def path(self) -> str:
            raise ZeroDivisionError

    try:
        _ask("GET", Broken())
        assert not ledger.live()
        with pytest.raises(ZeroDivisionError):
            requests.gauge({})
        _ask("GET", SimpleNamespace(path="/one"))
        sample: dict[str, float] = {}
        requests.gauge(sample)
    finally:
        requests.forget()
    assert sample["requests_total"] == 1


@pytest.mark.usefixtures("few")
def test_clients_that_ask_by_methods_of_their_own_do_not_fill_the_memory() -> None:
    found = SimpleNamespace(path="/one")
    try:
        for number in range(300):
            _ask(f"M{number}", found)
        assert ledger.count() == 300
        assert len(ledger.by_router) == len(requests.rows()) - 1 == 200
    finally:
        requests.forget()
