"""What requests do, in statements, calls, caches and memory, is told from its healthy twin."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.diagnosing import Case, codes, cpu, good, rising, seen, standing, the, trial

HTTP = ["/x/site-packages/httpcore/_async/connection_pool.py", 9, "AsyncConnectionPool.handle"]


def route(statements: int, times: int, requests: int = 100, **more: Any) -> Any:
    repeated = {"statement": "SELECT authors", "times": times * requests, "requests": requests}
    return seen(
        "route",
        route="GET /books",
        requests=requests,
        statements=statements * requests,
        statements_min=3,
        statements_max=statements,
        repeated=repeated,
        **more,
    )


def upstream(waiters: int) -> dict[str, Any]:
    full = {"limit": 10, "checked_out": 10, "waiters": waiters, "size": 10}
    return cpu(0.1) | {f"probe.http_pool_{name}": value for name, value in full.items()}


def hits(ratio: float) -> dict[str, Any]:
    return {
        "probe.cache_hits_total": rising(1000 * ratio),
        "probe.cache_misses_total": rising(1000 * (1 - ratio)),
    }


def herd(each: float) -> dict[str, Any]:
    lost = {"valkey.expired_total": rising(1), "valkey.misses_total": rising(each)}
    return lost | {"valkey.hits_total": rising(1000)}


def steep(slope: float) -> Callable[[float], float]:
    return lambda at_s: 8e7 + slope * at_s + 1e5 * math.sin(50 * at_s)


def noisy(slope: float, step_at_s: float | None = None) -> Callable[[float], float]:
    chance = random.Random(3)
    noise = {at: chance.gauss(0, 2e5) for at in range(100)}

    def value(at_s: float) -> float:
        step = 24e6 if step_at_s is not None and at_s >= step_at_s else 0
        return 70e6 + slope * at_s + noise[round(at_s * 5)] + step

    return value


def echo(on: bool) -> Any:
    return seen("settings", pools={"pools": [{"name": "a", "limit": 15, "echo": on}]})


LARGE = good(bytes_in=20_000 * 400_000)

GROWS = {"process.rss_bytes": rising(2e6, 6e7)}
# A busy service accepts 160 connections bit by bit.
ACCEPTED = {"process.descriptors": rising(16, 40)}
UNACCEPTED = {"sockets.established": 200, "sockets.unaccepted": rising(-16, 160)}
# Each second, 90 of 100 clients hang up and come again; the service has not read their requests.
GIVEN_UP = {
    "process.descriptors": rising(90, 110),
    "sockets.established": 100,
    "sockets.close_wait": rising(90),
}

CASES = (
    Case(
        "n-plus-one",
        "by route",
        lambda: [trial(observations=[route(201, 200)])],
        lambda: [trial(observations=[route(3, 1)])],
    ),
    Case(
        "n-plus-one",
        "only what the load did counts",
        lambda: [trial(observations=[route(21, 20, before={"requests": 0, "statements": 0})])],
        lambda: [trial(observations=[route(21, 20, before={"requests": 0, "statements": 2000})])],
    ),
    Case(
        "n-plus-one",
        "by the database's counts",
        lambda: [trial(observations=[seen("statement", "postgres", statement="S", calls=400_000)])],
        lambda: [trial(observations=[seen("statement", "postgres", statement="S", calls=20_000)])],
    ),
    Case(
        "held-upstream",
        "the client's pool",
        lambda: [trial(upstream(30))],
        lambda: [trial(upstream(0))],
    ),
    Case(
        "held-upstream",
        "standing in the client",
        lambda: [trial(cpu(0.1), observations=[standing(HTTP)])],
        lambda: [trial(cpu(0.1), observations=[standing(HTTP, 5)])],
    ),
    Case(
        "payload-bound",
        "making answers takes the processor",
        lambda: [trial(cpu(0.97) | {"probe.answer_cpu_s_total": rising(0.7)}, LARGE)],
        lambda: [trial(cpu(0.97) | {"probe.answer_cpu_s_total": rising(0.1)}, LARGE)],
    ),
    Case(
        "payload-bound",
        "not where the processor idles",
        lambda: [trial(cpu(0.9) | {"probe.answer_cpu_s_total": rising(0.6)}, LARGE)],
        lambda: [trial(cpu(0.1) | {"probe.answer_cpu_s_total": rising(0.09)}, LARGE)],
    ),
    Case(
        "logging-overhead",
        "records take the processor",
        lambda: [trial(cpu(0.9) | {"probe.log_cpu_s_total": rising(0.4)})],
        lambda: [trial(cpu(0.9) | {"probe.log_cpu_s_total": rising(0.02)})],
    ),
    Case(
        "logging-overhead",
        "echo",
        lambda: [trial(observations=[echo(True)])],
        lambda: [trial(observations=[echo(False)])],
    ),
    Case(
        "logging-overhead",
        "echo of many statements",
        lambda: [
            trial(
                {"probe.sql_statements_total": rising(90), "probe.requests_total": rising(9)},
                observations=[echo(True)],
            )
        ],
        lambda: [
            trial({"probe.sql_statements_total": rising(90), "probe.requests_total": rising(9)})
        ],
    ),
    Case(
        "cache-ineffective",
        "few hits",
        lambda: [trial(hits(0.3))],
        lambda: [trial(hits(0.95))],
    ),
    Case(
        "cache-ineffective",
        "not while it fills",
        lambda: [trial(hits(0.05))],
        lambda: [
            trial(
                {
                    "valkey.hits_total": rising(500),
                    "valkey.misses_total": lambda at: min(3000.0, 1000 * at),
                }
            )
        ],
    ),
    Case(
        "cache-stampede",
        "a herd for each key that ran out",
        lambda: [trial(herd(40))],
        lambda: [trial(herd(1))],
    ),
    Case(
        "cache-stampede",
        "not without keys that ran out",
        lambda: [trial(herd(12))],
        lambda: [trial(herd(12) | {"valkey.expired_total": 0})],
    ),
    Case(
        "memory-growth",
        "a slope",
        lambda: [trial({"process.rss_bytes": noisy(2e6)})],
        lambda: [trial({"process.rss_bytes": noisy(0)})],
    ),
    Case(
        "memory-growth",
        "not what first requests take once",
        lambda: [trial({"process.rss_bytes": steep(2e7)}, good(duration_s=2.6))],
        lambda: [trial({"process.rss_bytes": steep(2e7)}, good(duration_s=2.4))],
    ),
    Case(
        "memory-growth",
        "a step is none",
        lambda: [trial({"process.rss_bytes": noisy(4e6)})],
        lambda: [trial({"process.rss_bytes": noisy(0, step_at_s=6.0)})],
    ),
    Case(
        "memory-growth",
        "not what levels off",
        lambda: [trial({"process.rss_bytes": rising(2e6, 6e7)})],
        lambda: [trial({"process.rss_bytes": lambda at: 6e7 + 2e6 * min(at, 5 + at / 4)})],
    ),
    Case(
        "memory-growth",
        "not by a thousand requests, unless objects rise with them",
        lambda: [trial(GROWS | {"probe.allocated_blocks": rising(60, 3e5)}, good(ok=1000))],
        lambda: [trial(GROWS | {"probe.allocated_blocks": 3e5}, good(ok=1000))],
    ),
    Case(
        "descriptor-leak",
        "descriptors, and not the connections that were accepted late",
        lambda: [trial(ACCEPTED | {"sockets.established": 200}, good(200), 200)],
        lambda: [trial(ACCEPTED | UNACCEPTED, good(200), 200)],
    ),
    Case(
        "descriptor-leak",
        "descriptors, and not those of clients that gave up",
        lambda: [trial(GIVEN_UP, good(100), 100)],
        lambda: [trial(GIVEN_UP, good(100, timed_out=900), 100)],
    ),
    Case(
        "descriptor-leak",
        "descriptors",
        lambda: [trial({"process.descriptors": rising(20, 60)})],
        lambda: [trial({"process.descriptors": 260})],
    ),
    Case(
        "descriptor-leak",
        "threads",
        lambda: [trial({"process.threads": rising(8, 5)})],
        lambda: [trial({"process.threads": lambda at: 45 if at > 1 else 5})],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.name}")
def test_a_cause_is_named_and_its_twin_is_not(case: Case) -> None:
    assert case.code in codes(case.fires())
    assert case.code not in codes(case.quiet())


def test_memory_that_rises_no_faster_than_data_come_in_is_only_told() -> None:
    def growth(bytes_out: int) -> str:
        sent = good(bytes_out=bytes_out)
        return the("memory-growth", [trial(GROWS, sent)]).severity

    assert growth(2_000_000) == "warning"
    assert growth(40_000_000) == "info"
