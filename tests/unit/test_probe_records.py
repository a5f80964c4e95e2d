"""Who has a record of its own: each of few requests, of many some, which stand for the others."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from syncline_probe import apps, ledger, requests
from syncline_probe.board import Board
from syncline_probe.request import Request, route_of
from syncline_probe.stretches import Stretches, let_go
from syncline_probe.totals import Totals

ROUTE = SimpleNamespace(path="/some")
CLOCK = itertools.count(1000.0, 0.1)


def _scope(path: str = "/") -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path}


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody asks who works for which request, and no record is left in this turn."""
    stretches = Stretches()
    stretches.records.clear()
    monkeypatch.setattr(requests, "_stretches", stretches)
    monkeypatch.setattr(requests, "records", stretches.records)
    monkeypatch.setattr(requests, "followed", False)
    requests.forget()
    yield
    requests.forget()


@pytest.mark.usefixtures("many")
def test_of_many_requests_all_are_counted_and_those_with_a_record_stand_for_the_others() -> None:
    """Of three routes one is asked for twice as often, and is inside for longer."""
    found = [SimpleNamespace(path=path) for path in ("/one", "/other", "/one")]

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = route = found[int(scope["path"]) % 3]
        if route.path == "/one":
            await asyncio.sleep(0.002)

    counted = apps.counted_asgi(call)

    async def main() -> None:
        for turn in range(40):
            requests.tick(turn * 0.05)
            # More than have records; whole threes, so that those with one are no other mixture.
            for group in range(20):
                each = (counted(None, _scope(str(3 * group + at)), None, None) for at in range(3))
                await asyncio.gather(*each)

    asyncio.run(main())
    rows = {str(row["route"]): row for row in requests.rows()}
    sample: dict[str, float] = {}
    requests.gauge(sample)
    assert sample["requests_total"] == ledger.count() == 40 * 60
    asked = {route: int(str(row["requests"])) for route, row in rows.items()}
    assert sum(asked.values()) == pytest.approx(40 * 60, abs=60)  # the last wait to be stood for
    assert asked["GET /one"] == pytest.approx(2 * asked["GET /other"], rel=0.1)
    inside_s = {route: float(str(row["inside_s"])) for route, row in rows.items()}
    assert inside_s["GET /one"] > 0.002 * asked["GET /one"]
    assert sum(inside_s.values()) == pytest.approx(sample["requests_inside_s_total"])


def test_statements_are_told_of_as_many_requests_as_are_told() -> None:
    """Of an estimate, 167.4 requests with 7 each are no 167 with 1,172."""
    totals = Totals("GET /some")
    for _ in range(3):
        request = requests.begin("GET", "/some")
        request.statements, request.texts = 7, {"select 1": 7}
        totals.took(0.001)
        totals.add_statements(request)
    requests.forget()
    totals.take()
    totals.repeat(totals.collected, 54.8)
    row = totals.row(in_flight=0)
    assert (row["requests"], row["statements"]) == (167, 7 * 167)
    assert row["repeated"] == {"statement": "select 1", "times": 7 * 167, "requests": 167}
    assert (row["statements_min"], row["statements_max"]) == (7, 7)


@pytest.mark.usefixtures("many")
def test_requests_without_a_record_are_seen_while_they_are_inside() -> None:
    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = SimpleNamespace(path="/slow")
        await leave.wait()

    counted = apps.counted_asgi(call)

    async def main() -> None:
        tasks = [asyncio.ensure_future(counted(None, _scope(), None, None)) for _ in range(5)]
        await asyncio.sleep(0)
        sample: dict[str, float] = {}
        requests.gauge(sample)
        assert sample["requests_in_flight"] == 5
        assert ledger.any_inside()
        live = ledger.live()
        assert {route_of(one) for one in live} == {"GET /slow"}
        assert all(one.inner.cr_await is not None for one in live)
        tasks[0].cancel()
        await asyncio.sleep(0)
        assert len(ledger.live()) == 4
        leave.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    leave = asyncio.Event()
    asyncio.run(main())
    assert ledger.count() == 5
    assert not ledger.any_inside()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("with_record", [False, True])
def test_an_application_that_another_mounts_is_part_of_its_request(
    with_record: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "records", [None] * with_record)

    async def inner(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = SimpleNamespace(path="/mounted")

    mounted = apps.counted_asgi(inner)

    async def outer(_self: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await mounted(None, dict(scope), receive, send)
        await mounted(None, scope, receive, send)

    asyncio.run(apps.counted_asgi(outer)(None, _scope(), None, None))
    assert ledger.count() == 1


@pytest.mark.usefixtures("many")
def test_a_request_is_in_the_context_once_somebody_has_asked() -> None:
    seen: list[Request | None] = []

    async def call(_self: Any, _scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(ledger.current.get())

    counted = apps.counted_asgi(call)
    asyncio.run(counted(None, _scope(), None, None))
    working_for = requests.follow()
    for turn in range(20):
        requests.tick(1 + 0.05 * turn)
    for _ in range(50):  # more than there are records of those that are not followed
        asyncio.run(counted(None, _scope(), None, None))
    assert seen[0] is None
    assert all(isinstance(one, Request) for one in seen[1:])
    assert working_for() is None, "it has left"
    assert ledger.count() == 51


@pytest.mark.usefixtures("many")
def test_a_request_in_which_the_process_forks_ends_in_the_child_too() -> None:
    async def call(_self: Any, _scope: Any, _receive: Any, _send: Any) -> None:
        requests.forget()  # as a fork's child does

    asyncio.run(apps.counted_asgi(call)(None, _scope(), None, None))
    assert not ledger.any_inside()


class Switched:
    """Something that is at work only while there may be records, and may be in trouble."""

    def __init__(self) -> None:
        self.on = True
        self.turns = 0
        self.trouble = False
        requests.when_recording(self.turn, lambda: self.trouble)

    def turn(self, *, on: bool) -> None:
        self.on = on
        self.turns += 1


def _turns(number: int, at_each: int, seen: list[Request | None] | None = None) -> None:
    """So many of the probe's turns, and so many requests in each."""

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = ROUTE
        request = ledger.current.get()
        if request is not None:
            request.statements = 7
        if seen is not None:
            seen.append(request)

    counted = apps.counted_asgi(call)

    async def main() -> None:
        for _ in range(number):
            requests.tick(next(CLOCK))
            for _ in range(at_each):
                await counted(None, _scope(), None, None)

    asyncio.run(main())


def _resting() -> bool:
    return requests._stretches.ended_s is not None


def _amid_a_stretch() -> None:
    """Requests are many, and those that come now have records."""
    _turns(60, 50)
    while _resting():
        _turns(1, 50)


@pytest.mark.usefixtures("many")
def test_of_few_requests_each_has_a_record() -> None:
    requests.follow()
    hook, seen = Switched(), list[Request | None]()
    _turns(10, 0)
    _turns(100, 5, seen)
    assert all(seen)
    assert (hook.on, hook.turns) == (True, 0)


@pytest.mark.usefixtures("many")
def test_of_many_requests_some_have_a_record_and_hooks_rest_meanwhile() -> None:
    requests.follow()
    hook, seen = Switched(), list[Request | None]()
    _turns(10, 0)
    _turns(200, 50, seen)
    share = sum(one is not None for one in seen) / len(seen)
    assert 0.03 < share < 0.2
    assert 6 < hook.turns < 20
    requests.tick(next(CLOCK))
    (row,) = requests.rows()
    assert row["requests"] == len(seen)
    assert row["statements"] == 7 * len(seen)
    assert (row["statements_min"], row["statements_max"]) == (7, 7)
    _turns(40, 1, seen := [])
    assert hook.on
    assert all(seen[-10:]), "they have become few"


@pytest.mark.usefixtures("many")
def test_hooks_rest_at_the_heartbeat_after_the_last_with_a_record_has_left() -> None:
    requests.follow()
    hook = Switched()
    _amid_a_stretch()
    slow = requests.begin("", "", _scope("/slow"))
    requests.beat(next(CLOCK))
    assert not _resting(), "a stretch ends at turns"
    requests.tick(next(CLOCK))
    assert _resting()
    requests.beat(next(CLOCK))
    before = hook.on
    requests.end(slow)
    requests.beat(next(CLOCK))
    assert (before, hook.on) == (True, False)


@pytest.mark.usefixtures("many")
def test_heartbeats_are_asked_for_only_until_the_last_with_a_record_has_left() -> None:
    board = Board()
    requests.report(board)
    requests.follow()
    Switched()
    _amid_a_stretch()
    slow = requests.begin("", "", _scope("/slow"))
    hasty = [bool(board.hasty)]
    requests.tick(next(CLOCK))
    hasty.append(bool(board.hasty))
    requests.end(slow)
    for name in board.hasty.copy():
        board.beats[name](next(CLOCK))
    hasty.append(bool(board.hasty))
    assert hasty == [False, True, False]


@pytest.mark.usefixtures("many")
def test_hooks_do_not_rest_while_somebody_is_in_trouble_and_few_leave() -> None:
    requests.follow()
    hook, seen = Switched(), list[Request | None]()
    _turns(60, 50)
    hook.trouble = True
    _turns(5, 0)
    assert hook.on
    turns = hook.turns

    async def call(_self: Any, _scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(ledger.current.get())
        await leave.wait()

    async def main() -> None:
        counted, tasks = apps.counted_asgi(call), []
        for _ in range(60):
            requests.tick(next(CLOCK))
            tasks += [asyncio.ensure_future(counted(None, _scope(), None, None)) for _ in range(50)]
            await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(*tasks)

    leave = asyncio.Event()
    asyncio.run(main())
    assert len(seen) == 60 * 50
    assert all(seen)
    assert hook.turns == turns


@pytest.mark.usefixtures("many")
def test_hooks_do_not_rest_while_one_is_inside_for_long_and_few_leave() -> None:
    requests.follow()
    hook = Switched()
    _amid_a_stretch()
    requests.begin("", "", _scope("/long")).started_s = 0.0
    turns = hook.turns
    _turns(60, 3)
    assert (hook.on, hook.turns) == (True, turns)


@pytest.mark.usefixtures("many")
def test_hooks_rest_under_overload_where_many_wait_for_long_and_many_leave() -> None:
    requests.follow()
    hook, seen = Switched(), list[Request | None]()
    hook.trouble = True
    _turns(200, 50, seen)
    share = sum(one is not None for one in seen) / len(seen)
    assert 0.03 < share < 0.2
    assert 6 < hook.turns < 20


@pytest.mark.usefixtures("many")
def test_one_that_stays_for_long_is_let_go_where_many_leave_and_is_counted_once() -> None:
    requests.follow()
    hook = Switched()
    _amid_a_stretch()
    slow = requests.begin("", "", _scope("/slow"))
    slow.started_s, slow.inner = 123.0, object()
    _turns(1, 50)
    assert (hook.on, len(ledger.inside)) == (True, 1)
    while hook.on:
        _turns(1, 50)
    assert len(ledger.inside) == 0
    requests.gauge({})
    (live,) = ledger.live()
    assert (route_of(live), live.started_s) == ("GET /slow", 123.0)
    before = ledger.count()
    requests.end(slow)
    assert ledger.count() == before + 1
    assert not ledger.any_inside()
    assert route_of(slow) == "GET /slow"
    requests.tick(next(CLOCK))
    (row,) = [row for row in requests.rows() if row["route"] == "GET /slow"]
    assert row["inside_longest_s"] == pytest.approx(time.monotonic() - 123, abs=1)


@pytest.mark.usefixtures("many")
def test_what_is_answered_before_the_router_is_told_by_its_path() -> None:
    """As by a middleware: so are half of one route's, and the few of another."""
    requests.follow()

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        if next(number) % 2:
            scope["route"] = ROUTE

    async def main() -> None:
        counted = apps.counted_asgi(call)
        for _ in range(200):
            requests.tick(next(CLOCK))
            for at in range(50):
                path = "/other" if at == 0 else "/some"
                await counted(None, _scope(path), None, None)

    number = itertools.count()
    asyncio.run(main())
    rows = {str(row["route"]): row["requests"] for row in requests.rows()}
    assert rows["GET /some"] == pytest.approx(200 * 49, rel=0.02)
    # Those of it that the router found are as many again to share with: it may be told by half.
    assert 95 < int(str(rows["GET /other"])) < 250


@pytest.mark.usefixtures("many")
def test_one_that_leaves_while_it_is_let_go_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe's thread lets go, and the loop's ends the request meanwhile."""

    class Meanwhile(dict[object, float]):
        def __setitem__(self, inner: object, since_s: float) -> None:
            requests.end(one)
            super().__setitem__(inner, since_s)

    monkeypatch.setattr(ledger.others, "seen_s", Meanwhile())
    one = requests.begin("", "", _scope("/slow"))
    one.inner = object()
    let_go(one.started_s + 60)
    assert ledger.count() == 1
    assert not ledger.any_inside()
    assert not ledger.others.let_go
    ledger.others.look(0.0)
    assert not ledger.others.seen_s


@pytest.mark.usefixtures("many")
def test_requests_that_a_hook_names_are_known_by_what_the_router_found() -> None:
    """As those of an application that another mounts, which has routes of its own."""
    requests.follow()

    async def call(_self: Any, scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        scope["route"] = ROUTE
        requests.name_route("/mounted/{id}")

    async def main() -> None:
        counted = apps.counted_asgi(call)
        for _ in range(100):
            requests.tick(next(CLOCK))
            for _ in range(50):
                await counted(None, _scope(), None, None)

    asyncio.run(main())
    assert _resting()
    assert {row["route"]: row["requests"] for row in requests.rows()} == {
        "GET /mounted/{id}": 100 * 50
    }


@pytest.mark.usefixtures("many")
def test_the_slowest_of_a_stretch_do_not_stand_for_the_others_by_themselves() -> None:
    requests.follow()
    _amid_a_stretch()
    slow = requests.begin("", "", _scope("/slow"))
    slow.started_s = time.monotonic() - 0.1
    _turns(2, 50)
    before = {str(row["route"]): row["requests"] for row in requests.rows()}
    requests.end(slow)
    _turns(1, 50)
    after = {str(row["route"]): row["requests"] for row in requests.rows()}
    assert "GET /slow" not in before or before["GET /slow"] == 0
    assert int(str(after["GET /slow"])) <= 10


@pytest.mark.usefixtures("many")
def test_of_a_request_without_a_record_it_is_known_since_when_it_was_seen() -> None:
    async def call(_self: Any, _scope: Any, _receive: Any, _send: Any) -> None:
        await leave.wait()

    async def main() -> float:
        task = asyncio.ensure_future(apps.counted_asgi(call)(None, _scope(), None, None))
        await asyncio.sleep(0)
        requests.gauge({})
        (one,) = ledger.live()
        await asyncio.sleep(0.05)
        sample: dict[str, float] = {}
        requests.gauge(sample)
        assert ledger.live()[0].started_s == one.started_s
        leave.set()
        await task
        return sample["requests_oldest_ms"]

    leave = asyncio.Event()
    assert asyncio.run(main()) >= 50


@pytest.mark.usefixtures("many")
def test_those_inside_without_a_record_are_told_by_the_routes_that_they_will_be_counted_in() -> (
    None
):
    """Of a route that is known by its router, of one that is not, and of one without a path."""
    known, pathless = SimpleNamespace(path="/known/{id}"), object()

    def scope(path: str, router: object) -> dict[str, Any]:
        return _scope(path) | ({} if router is None else {"route": router})

    scopes = [
        *(scope(f"/known/{number}", known) for number in (1, 2)),
        *(scope(f"/new/{number}", None) for number in (1, 2, 3)),
        scope("/odd/1", pathless),
    ]
    for one in (scope("/known/7", known), scope("/odd/7", pathless)):
        requests.end(requests.begin("", "", one))
    for one in scopes:
        ledger.others.inside[object()] = one
    told = {str(row["route"]): row["in_flight"] for row in requests.rows()}
    assert told == {"GET /known/{id}": 2, "GET /new/{}": 3, "GET /odd/{}": 1}
