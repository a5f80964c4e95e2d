"""Causes in the loop, the threads and the interpreter are told from their twins."""

from __future__ import annotations

from typing import Any

import pytest

from syncline.trial import Variant
from tests.unit.diagnosing import (
    LINE,
    Case,
    Pair,
    codes,
    cpu,
    good,
    hung,
    pool,
    postgres,
    rising,
    roots,
    seen,
    standing,
    the,
    threads,
    trial,
)
from tests.unit.factories import quantiles

FROZEN = {"probe.loop_lag_max_ms": rising(1000), "probe.loop_lag_p50_ms": rising(500)}
LAG = {"probe.loop_lag_max_ms": 900, "probe.loop_lag_p50_ms": 400}
UNREAD = {"sockets.unread": 180, "sockets.established": 200}
SHORTER = {"probe.loop_lag_max_ms": 150, "probe.loop_lag_p50_ms": 80}
LOCK = ["/usr/lib/python3.11/asyncio/locks.py", 100, "Lock.acquire"]
MACHINE = {"machine.cpu_share": 0.55}


def blocked(**data: Any) -> Any:
    fields: dict[str, Any] = {
        "where": LINE,
        "lag_ms": 900.0,
        "looks": 4,
        "callbacks": 1,
        "at_s": 5.0,
        "began_s": 1.0,
    }
    return seen("loop-blocked", pid=1, **(fields | data))


# Six requests of 150 ms each, one after the other.
SERIAL = good(6, throughput_rps=6.6, service_time_us=quantiles([900_000.0]))
SERIAL_BLOCKS = [blocked(began_s=at / 5, lag_ms=150.0) for at in range(50)]
SHORT_BLOCKS = [blocked(began_s=at / 5, lag_ms=150.0, callbacks=4) for at in range(50)]


def httpd(workers: int, rps: float, cores: float = 1.0, **seen_too: Any) -> Pair:
    words = ("{python}", "-m", "httpd", "-w", str(workers))
    variant = Variant(f"workers-{workers}", command=words)
    observed = cpu(cores) | {"process.threads": workers + 1, "process.count": 1} | seen_too
    return trial(observed, good(throughput_rps=rps), variant=variant)


def switches(each: float, system: float) -> dict[str, Any]:
    return cpu(1.2) | {
        "process.switches_voluntary_total": rising(2000 * each),
        "process.cpu_user_cores": 1.2 * (1 - system),
        "process.cpu_system_cores": 1.2 * system,
    }


CASES = (
    Case(
        "loop-blocked",
        "for good, in the pool",
        lambda: [trial(FROZEN | cpu(0.01) | UNREAD, hung(), 200, observations=[blocked()])],
        lambda: [trial({"probe.loop_lag_max_ms": 20} | cpu(0.01), hung(), 200)],
    ),
    Case(
        "loop-blocked",
        "again and again, for as long as a request",
        lambda: [trial(LAG | cpu(0.1), observations=[blocked(lag_ms=2000)])],
        lambda: [trial({"probe.loop_lag_max_ms": 60, "probe.loop_lag_p50_ms": 1} | cpu(0.1))],
    ),
    Case(
        "loop-blocked",
        "a busy loop is none that is blocked",
        lambda: [trial(LAG | cpu(0.97), observations=[blocked(lag_ms=2000)])],
        lambda: [trial(LAG | cpu(0.97))],
    ),
    Case(
        "loop-blocked",
        "requests that hold it one by one, none for as long as all of them take",
        lambda: [trial(SHORTER | cpu(0.97), SERIAL, 6, observations=SERIAL_BLOCKS)],
        lambda: [trial(SHORTER | cpu(0.97), SERIAL, 6, observations=SHORT_BLOCKS)],
    ),
    Case(
        "loop-blocked",
        "no place was met, and no other threads have the interpreter instead",
        lambda: [trial(LAG | cpu(0.7) | UNREAD)],
        lambda: [trial(LAG | cpu(0.7) | UNREAD | {"process.busiest_thread_cores": 0.2})],
    ),
    Case(
        "loop-blocked",
        "from outside",
        lambda: [trial(UNREAD | cpu(0.01), hung(), 200)],
        lambda: [trial({"sockets.unread": 2} | cpu(0.01), hung(), 200)],
    ),
    Case(
        "thread-pool-saturated",
        "the limiter's tokens",
        lambda: [trial(threads() | cpu(0.2), level=200)],
        lambda: [trial(threads() | cpu(0.95), level=200)],
    ),
    Case(
        "thread-pool-saturated",
        "an executor's queue",
        lambda: [trial({"probe.executor_queued": 30, "probe.executor_threads_max": 8})],
        lambda: [trial({"probe.executor_queued": 0, "probe.executor_threads_max": 8})],
    ),
    Case(
        "gil-bound",
        "less with more threads",
        lambda: [httpd(1, 20_000), httpd(50, 4_600, 1.2)],
        lambda: [httpd(1, 20_000), httpd(50, 19_500, 1.2)],
    ),
    Case(
        "gil-bound",
        "the convoy",
        lambda: [trial(switches(22, 0.6))],
        lambda: [trial(switches(0.6, 0.6))],
    ),
    Case(
        "gil-bound",
        "the convoy, not a database that each request asks some times",
        lambda: [trial(switches(11, 0.6))],
        lambda: [trial(switches(35, 0.37))],
    ),
    Case(
        "cpu-bound",
        "cores to spare",
        lambda: [trial(cpu(0.99) | MACHINE)],
        lambda: [trial(cpu(0.5) | MACHINE)],
    ),
    Case(
        "cpu-bound",
        "not with a full machine",
        lambda: [trial(cpu(0.99))],
        lambda: [trial(cpu(0.99) | {"machine.cpu_share": 1.0})],
    ),
    Case(
        "lock-contention",
        "tasks in one lock",
        lambda: [trial(cpu(0.1), observations=[standing(LOCK)])],
        lambda: [trial(cpu(0.1), observations=[standing(LOCK, 3)])],
    ),
    Case(
        "lock-contention",
        "not the pool's own",
        lambda: [trial(cpu(0.2), hung(60), 60, observations=[standing(LOCK, 60)])],
        lambda: [
            trial(cpu(0.2), observations=[standing(["/x/sqlalchemy/util/queue.py", 1, "get"])])
        ],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.name}")
def test_a_cause_is_named_and_its_twin_is_not(case: Case) -> None:
    assert case.code in codes(case.fires())
    assert case.code not in codes(case.quiet())


def test_a_loop_that_waits_in_the_pool_is_no_pool_deadlock() -> None:
    stuck = FROZEN | UNREAD | cpu(0.01) | pool(waiters=1) | postgres(15, 0)
    stuck |= {"probe.pool_waiters_on_loop": 1} | threads(0, 0)
    pairs = [trial(stuck, hung(), 200, observations=[blocked()])]
    assert roots(pairs) == ["loop-blocked"]
    found = the("loop-blocked", pairs)
    assert "/srv/app.py:12 in show" in found.summary
    assert {"hang", "pool-exhausted"} <= set(found.consequences)
    assert found.fix is not None
    assert "from 16 requests in flight" in found.fix.prediction


def test_a_block_told_twice_counts_once() -> None:
    twice = [blocked(lag_ms=1100.0, ongoing=True), blocked(lag_ms=2000.0)]
    found = the("loop-blocked", [trial(LAG | cpu(0.1), observations=twice)])
    (share,) = [one.value for one in found.evidence if "share" in one.metric]
    assert share == 0.2
