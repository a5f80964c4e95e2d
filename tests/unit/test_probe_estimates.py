"""What is told of many requests, most of which had no record, against what they were.

Requests come by chance and take a given time, by a clock of the test's own; the probe takes its
turns and beats by that clock, too.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from syncline_probe import ledger, requests
from syncline_probe.stretches import Stretches

Takes = Callable[[float], float]  # how long one takes that comes so many seconds after the begin


class Route:
    def __init__(self, path: str) -> None:
        self.path = path


class Seen(NamedTuple):
    """At a turn, and what the probe's gauge said."""

    at_s: float
    requests: float
    inside_s: float


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1000.0]
    for module in (ledger, requests):
        monkeypatch.setattr(module, "_clock", lambda: now[0])
    stretches = Stretches()
    stretches.give_more()
    stretches.records.clear()
    monkeypatch.setattr(requests, "_stretches", stretches)
    monkeypatch.setattr(requests, "records", stretches.records)
    monkeypatch.setattr(requests, "followed", True)
    requests.forget()
    yield now
    requests.forget()


def served(
    clock: list[float],
    rate_rps: float,
    lasts_s: float,
    routes: dict[str, tuple[float, Takes]],
    *,
    routed: bool = True,
) -> tuple[list[Seen], dict[str, tuple[int, float]]]:
    """What the probe saw, and each route's true requests and their sum of seconds inside.

    Args:
        routes: of each the share of requests, and how long they take.
        routed: whether the framework leaves in the scope what its router found.
    """
    chance, order, began_s = random.Random(1), itertools.count(), clock[0]
    routers = {path: Route(path) for path in routes}
    events: list[tuple[float, int, Callable[[], None]]] = []
    true: dict[str, tuple[int, float]] = dict.fromkeys(routes, (0, 0.0))
    seen: list[Seen] = []

    def at(when_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(events, (when_s, next(order), call))

    def come(path: str, takes_s: float) -> None:
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path}
        if routed:
            scope["route"] = routers[path]
        inner: Any = object()
        request = None
        if requests.records:
            del requests.records[-1:]
            request = requests.begin("", "", scope)
            request.inner, request.statements = inner, 7
        else:
            ledger.others.inside[inner] = scope

        def leave() -> None:
            number, inside_s = true[path]
            true[path] = number + 1, inside_s + takes_s
            if request is not None:
                requests.end(request)
            else:
                ledger.others.left(scope.get("route"))
                ledger.others.inside.pop(inner)

        at(clock[0] + takes_s, leave)

    def turn() -> None:
        requests.tick(clock[0])
        sample: dict[str, float] = {"requests_total": 0, "requests_inside_s_total": 0}
        requests.gauge(sample)
        seen.append(
            Seen(clock[0] - began_s, sample["requests_total"], sample["requests_inside_s_total"])
        )

    come_s = began_s
    paths, shares = list(routes), [share for share, _ in routes.values()]
    while (come_s := come_s + chance.expovariate(rate_rps)) < began_s + lasts_s:
        (path,) = chance.choices(paths, shares)
        takes_s = routes[path][1](come_s - began_s) * chance.uniform(0.8, 1.2)
        at(come_s, partial(come, path, takes_s))
    for beat in range(round((lasts_s + 10) / 0.02)):
        when_s = began_s + 0.02 * beat
        at(when_s, (lambda: requests.beat(clock[0])) if beat % 5 else turn)
    while events:
        clock[0], _, call = heapq.heappop(events)
        call()
    return seen, true


def told() -> dict[str, dict[str, Any]]:
    return {str(row["route"]).removeprefix("GET "): row for row in requests.rows()}


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize("slow_s", [0.05, 0.5, 0.9, 1.5, 4.0])
@pytest.mark.parametrize("rate_rps", [150, 400])
def test_a_slow_route_has_its_share_of_the_requests(
    rate_rps: float, slow_s: float, routed: bool, clock: list[float]
) -> None:
    """Also one so slow that its requests are let go before they leave."""
    routes = {"/fast": (0.9, lambda _: 0.01), "/slow": (0.1, lambda _: slow_s)}
    _, true = served(clock, rate_rps, 100, routes, routed=routed)
    rows = told()
    number, inside_s = true["/slow"]
    in_all = sum(row["requests"] for row in rows.values())
    assert in_all == pytest.approx(sum(one for one, _ in true.values()), abs=1)
    # Where nothing says of which route the others are, they are as those that have a record.
    assert rows["/slow"]["requests"] == pytest.approx(number, abs=1 if routed else 0.3 * number)
    assert rows["/slow"]["inside_s"] == pytest.approx(inside_s, rel=0.05 if routed else 0.3)
    for row in rows.values():
        assert row["statements"] == pytest.approx(7 * row["requests"], rel=0.02)
    assert not ledger.any_inside()


def test_a_rare_route_is_told_of_once_one_of_its_requests_has_a_record(clock: list[float]) -> None:
    routes = {"/some": (0.99, lambda _: 0.01), "/rare": (0.01, lambda _: 0.02)}
    _, true = served(clock, 400, 100, routes)
    assert {path: row["requests"] for path, row in told().items()} == {
        path: number for path, (number, _) in true.items()
    }


def test_requests_that_take_ever_longer_are_told_to_do_so(clock: list[float]) -> None:
    def takes(after_s: float) -> float:
        return 0.02 + 3 * min(1, after_s / 60)

    seen, true = served(clock, 400, 100, {"/some": (1, takes)})
    assert mean_s(seen, 70, 100) == pytest.approx(3.0, rel=0.1)
    number, inside_s = true["/some"]
    assert told()["/some"]["inside_s"] == pytest.approx(inside_s, rel=0.15)
    assert told()["/some"]["statements"] == pytest.approx(7 * number, rel=0.001)


def mean_s(seen: list[Seen], begin_s: float, end_s: float) -> float:
    """How long those that left between these were inside, as it was told."""
    first, last = (next(one for one in seen if one.at_s >= when_s) for when_s in (begin_s, end_s))
    return (last.inside_s - first.inside_s) / (last.requests - first.requests)


def test_a_rare_route_that_has_become_slow_is_told_to_be(clock: list[float]) -> None:
    routes: dict[str, tuple[float, Takes]] = {
        "/some": (0.98, lambda _: 0.01),
        "/rare": (0.02, lambda after_s: 0.01 if after_s < 50 else 0.5),
    }
    seen, _ = served(clock, 400, 150, routes)
    assert mean_s(seen, 90, 150) == pytest.approx(0.98 * 0.01 + 0.02 * 0.5, rel=0.15)


def test_of_short_requests_it_is_soon_told_that_they_take_longer(clock: list[float]) -> None:
    """Those with a record may be all that leave in a turn, and none for others to stand for."""
    seen, _ = served(clock, 400, 60, {"/some": (1, lambda at_s: 0.0005 if at_s < 30 else 0.002)})
    assert mean_s(seen, 35, 60) == pytest.approx(0.002, rel=0.05)


def test_one_slow_request_before_the_load_stands_for_no_others(clock: list[float]) -> None:
    """As the first of a process may be, which imports, compiles and connects."""
    scope = {"type": "http", "method": "GET", "path": "/some"}
    cold = requests.begin("", "", scope)
    clock[0] += 2
    requests.end(cold)
    requests.tick(clock[0])
    clock[0] += 10
    seen, _ = served(clock, 3000, 10, {"/some": (1, lambda _: 0.005)}, routed=False)
    assert mean_s(seen, 0, 10) == pytest.approx(0.005, rel=0.1)


def test_what_is_told_never_goes_back_nor_stands_still(clock: list[float]) -> None:
    """Of every five seconds it tells what those were, whether a stretch was amid them or not."""
    routes = {"/fast": (0.9, lambda _: 0.01), "/slow": (0.1, lambda _: 0.7)}
    seen, _ = served(clock, 400, 60, routes)
    assert all(a.inside_s <= b.inside_s for a, b in itertools.pairwise(seen))
    means = [mean_s(seen, begin_s, begin_s + 5) for begin_s in range(10, 55, 5)]
    assert all(0.06 < mean < 0.1 for mean in means), means  # it is 0.079
