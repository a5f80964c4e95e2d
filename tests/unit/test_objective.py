"""Objectives mean what their sentence says, and a sentence that means nothing is refused."""

from __future__ import annotations

import pytest

from syncline.errors import UsageError
from syncline.objective import (
    Absence,
    Bound,
    Drift,
    Objective,
    Scope,
    describe,
    holds,
    measure,
    parse_objective,
    parse_objectives,
)
from tests.unit.factories import dead_result, load_result, quantiles


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("p99<50ms", Bound("p99", 50_000)),
        ("p99 < 50 ms at 48 connections", Bound("p99", 50_000, scope=Scope(connections=48))),
        ("P99 <= 0.5 s", Bound("p99", 500_000, inclusive=True)),
        ("p99.9 < 800us", Bound("p99.9", 800)),
        ("p99_9 < 800µs", Bound("p99.9", 800)),
        ("p999 < 1s", Bound("p99.9", 1_000_000)),
        ("max ≤ 1s", Bound("max", 1_000_000, inclusive=True)),
        ("errors < 0.1%", Bound("errors", 0.001)),
        ("timeouts <= 0 %", Bound("timeouts", 0, inclusive=True)),
        ("throughput > 500 req/s", Bound("throughput", 500)),
        ("throughput>=1.5rps", Bound("throughput", 1.5, inclusive=True)),
        (
            "p50 < 5ms for async under insert at 200 connections",
            Bound("p50", 5_000, scope=Scope("async", "insert", 200)),
        ),
        (
            "p50 < 5ms at 1 connection for a@b-w2",
            Bound("p50", 5_000, scope=Scope("a@b-w2", None, 1)),
        ),
        ("p95 < 1ms at 600 req/s", Bound("p95", 1_000, scope=Scope(rate_rps=600))),
        ("throughput not more than 5 % below baseline", Drift("throughput", 0.05)),
        ("p99 not more than 10% above the baseline", Drift("p99", 0.1)),
        (
            "mean not more than 2.5% worse than baseline at 12 connections",
            Drift("mean", 0.025, Scope(connections=12)),
        ),
        ("no finding of severity error", Absence("error")),
        ("no finding", Absence("warning")),
        ("no finding pool-deadlock for sync", Absence("info", "pool-deadlock", Scope("sync"))),
    ],
)
def test_an_objective_is_read_and_written_back(text: str, meant: Objective) -> None:
    assert parse_objective(text) == meant
    assert parse_objective(describe(meant)) == meant


def test_objectives_stand_apart_by_commas() -> None:
    assert parse_objectives("p99<50ms, errors<1%") == (Bound("p99", 50_000), Bound("errors", 0.01))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no objective; write one"),
        ("fast", "is no objective"),
        ("p99 < 50ms at 48", "is no objective"),
        ("p99 < 50", "needs a unit"),
        ("p99 < 50 parsecs", "needs a unit"),
        ("p99 > 50ms", "good when low; write <"),
        ("throughput < 500", "good when high; write >"),
        ("throughput > 500ms", "in req/s"),
        ("p98 < 1s", "p98 is not kept; there are p50"),
        ("errors < 0.1", "share of all requests"),
        ("errors < 200%", "share of all requests"),
        ("errors not more than 5% above baseline", "no ratio"),
        ("throughput not more than 5% above baseline", "write 'below baseline'"),
        ("throughput not more than 100% below baseline", "allows anything"),
        ("no finding of severity fatal", "there are error, warning, info"),
        ("no finding pool-party", "no finding 'pool-party'"),
        ("p99<5ms at 4 connections at 8 connections", "says twice"),
    ],
)
def test_what_is_no_objective_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_objectives(text)


def test_latency_is_response_time_where_the_load_has_planned_instants() -> None:
    closed = load_result(service_time_us=quantiles(p99=7_000.0))
    opened = load_result(
        service_time_us=quantiles(p99=7_000.0), response_time_us=quantiles(p99=90_000.0)
    )
    assert measure("p99", closed) == 7_000
    assert measure("p99", opened) == 90_000


def test_errors_are_a_share_of_what_ended() -> None:
    result = load_result(ok=970, failed=20, timed_out=10, in_flight=64)
    assert measure("errors", result) == pytest.approx(0.03)
    assert measure("timeouts", result) == pytest.approx(0.01)


def test_what_nobody_answered_has_no_figures() -> None:
    assert measure("p99", dead_result()) is None
    assert measure("errors", dead_result()) is None
    assert measure("throughput", dead_result()) == 0


@pytest.mark.parametrize(
    ("text", "value", "good"),
    [
        ("p99 < 50ms", 49_999.0, True),
        ("p99 < 50ms", 50_000.0, False),
        ("p99 <= 50ms", 50_000.0, True),
        ("throughput > 500", 500.0, False),
        ("throughput >= 500", 500.0, True),
        ("throughput > 500", 501.0, True),
        ("errors <= 0%", 0.0, True),
        ("errors < 1%", 0.02, False),
    ],
)
def test_a_bound_holds_up_to_its_limit(text: str, value: float, good: bool) -> None:
    bound = parse_objective(text)
    assert isinstance(bound, Bound)
    assert holds(bound, value) is good
