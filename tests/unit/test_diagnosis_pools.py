"""Causes in connection pools and databases are named on their evidence, and only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from syncline.outcome import ErrorSample, LoadResult, Quantiles, Validity
from tests.unit.diagnosing import (
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
    the,
    threads,
    trial,
)
from tests.unit.factories import quantiles

QUEUE_POOL = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
DEAD = pool() | threads() | postgres(15, 0) | cpu(0.02) | {"probe.loop_lag_max_ms": 20}
IN_POOL = ["/lib/site-packages/sqlalchemy/pool/impl.py", 168, "QueuePool._do_get"]
LIMITER = ["/lib/site-packages/anyio/_backends/_asyncio.py", 9, "CapacityLimiter.acquire"]
STACKS = seen(
    "stacks",
    threads=[{"count": 40, "names": ["w"], "stack": [IN_POOL, ["/srv/app.py", 7, "users"]]}],
    tasks=[],
    requests=[{"count": 15, "route": "GET /users", "holds": 1, "stack": [LIMITER]}],
)
OUTSIDE = postgres(15, 0) | cpu(0.01) | {"sockets.unread": 0, "sockets.established": 200}
SETTINGS = seen("settings", pools={"pools": [{"name": "a", "limit": 60, "size": 50}] * 2})
LIMITS = seen("setting", "postgres", max_connections=100, superuser_reserved_connections=3)
SERVED = [seen("python-process", pid=pid, served=True) for pid in range(4)]


def errors(text: str, kind: str = "500") -> LoadResult:
    sample = ErrorSample(kind, 400, 1.0, 9.0, text)
    return good(failed=400, status={"2xx": 20_000, "5xx": 400}, error_samples=(sample,))


def churn(per_100: float) -> dict[str, Any]:
    # 20,000 requests in 10 s
    return postgres() | {"postgres.new_sessions_total": rising(20 * per_100)}


def slow(**seen_too: Any) -> dict[str, Any]:
    return (
        postgres(10, 1)
        | cpu(0.1)
        | {"probe.pool_idle_transaction_oldest_ms": 60}
        | {"probe.sql_statement_s_total": rising(1), "probe.requests_inside_s_total": rising(40)}
        | seen_too
    )


FAST, SLOW = quantiles([37_000.0]), quantiles([900_000.0])


def overtaken(
    more: dict[str, Any] | None = None,
    *,
    oldest_ms: float = 7200,
    waits: float = 35,
    times: Quantiles = FAST,
    timed_out: int = 0,
) -> Pair:
    """A pool with a queue throughout: 100 check-outs a second, of which so many waited."""
    seen_there = {
        "probe.pool_checkouts_total": rising(100),
        "probe.pool_waits_total": rising(waits),
        "probe.pool_wait_oldest_ms": oldest_ms,
    }
    result = good(200, service_time_us=times, timed_out=timed_out)
    return trial(pool(waiters=180) | cpu(0.95) | seen_there | (more or {}), result, 200)


def unfair(name: str, quiet: Callable[[], Sequence[Pair]]) -> Case:
    return Case("pool-unfair", name, lambda: [overtaken()], quiet)


CASES = (
    Case(
        "pool-deadlock",
        "seen from inside",
        lambda: [trial(DEAD, hung(), 200, observations=[STACKS])],
        lambda: [trial(DEAD | threads(20, 0) | cpu(0.9), good(200), 200)],
    ),
    Case(
        "pool-deadlock",
        "seen from outside only",
        lambda: [trial(OUTSIDE, hung(), 200)],
        lambda: [trial(OUTSIDE | {"sockets.unread": 180}, hung(), 200)],
    ),
    Case(
        "pool-deadlock",
        "impossible below the bound",
        lambda: [trial(DEAD, hung(56), 56)],
        lambda: [trial(DEAD, hung(30), 30)],
    ),
    Case(
        "pool-exhausted",
        "waiters, and room in the database",
        lambda: [trial(pool() | postgres() | cpu(0.2))],
        lambda: [trial(pool() | postgres() | cpu(0.99))],
    ),
    Case(
        "pool-exhausted",
        "the pool's own words",
        lambda: [trial(result=errors(QUEUE_POOL))],
        lambda: [trial(result=errors("division by zero"))],
    ),
    unfair("some wait for seconds, most not at all", lambda: [overtaken(oldest_ms=300)]),
    unfair("in order, all would have waited", lambda: [overtaken(waits=100)]),
    unfair("where all are slow, nobody is overtaken", lambda: [overtaken(times=SLOW)]),
    unfair(
        "a pool that is the limit itself is just too small",
        lambda: [overtaken(postgres() | cpu(0.2))],
    ),
    Case(
        "connection-leak",
        "more out than requests, and rising",
        lambda: [
            trial(
                pool(out=9) | {"probe.pool_checked_out": rising(1.2), "probe.requests_in_flight": 0}
            )
        ],
        lambda: [trial(pool(out=9, waiters=0) | {"probe.requests_in_flight": 12})],
    ),
    Case(
        "connection-leak",
        "beyond those in use",
        lambda: [
            trial(
                pool(waiters=0)
                | {"probe.pool_checked_out": rising(1, 3), "probe.requests_in_flight": 3}
            )
        ],
        lambda: [
            trial(pool(waiters=0) | {"probe.pool_checked_out": 4, "probe.requests_in_flight": 4})
        ],
    ),
    Case(
        "connection-budget",
        "known before any refusal",
        lambda: [trial(observations=[SETTINGS, LIMITS, *SERVED])],
        lambda: [
            trial(
                observations=[SETTINGS, seen("setting", "postgres", max_connections=500), *SERVED]
            )
        ],
    ),
    Case(
        "connection-budget",
        "refused",
        lambda: [trial(result=errors("FATAL: remaining connection slots are reserved for roles"))],
        lambda: [trial(result=errors("FATAL: password authentication failed"))],
    ),
    Case(
        "connection-budget",
        "refused by MySQL",
        lambda: [trial(result=errors('(1040, "Too many connections")'))],
        lambda: [trial(result=errors("10400 items"))],
    ),
    Case(
        "overflow-churn",
        "above pool_size",
        lambda: [trial(pool(out=8, waiters=0) | churn(22), level=10)],
        lambda: [trial(pool(out=15, waiters=0, size=15) | churn(0), level=10)],
    ),
    Case(
        "overflow-churn",
        "another reason for new sessions",
        lambda: [trial(churn(22), level=10)],
        lambda: [trial(pool(out=4, waiters=0) | churn(4), level=10)],
    ),
    Case(
        "held-in-transaction",
        "while it waits elsewhere",
        lambda: [trial(slow())],
        lambda: [trial(slow() | postgres(1, 9))],
    ),
    Case(
        "held-in-transaction",
        "not because the processor is busy",
        lambda: [trial(slow(**{"probe.pool_idle_transaction_oldest_ms": 500}))],
        lambda: [trial(slow() | cpu(0.98))],
    ),
    Case(
        "database-bound",
        "locks are waited for",
        lambda: [
            trial(slow() | {"postgres.locks_waiting": 8, "probe.sql_statement_s_total": rising(38)})
        ],
        lambda: [
            trial(slow() | {"postgres.locks_waiting": 0, "probe.sql_statement_s_total": rising(38)})
        ],
    ),
    Case(
        "database-bound",
        "the machine is full, and not of the service",
        lambda: [
            trial(
                postgres(0, 12)
                | cpu(0.2)
                | {
                    "machine.cpu_share": 0.97,
                    "probe.sql_statement_s_total": rising(38),
                    "probe.requests_inside_s_total": rising(40),
                }
            )
        ],
        lambda: [
            trial(
                postgres(0, 12)
                | cpu(0.95)
                | {
                    "machine.cpu_share": 0.97,
                    "probe.sql_statement_s_total": rising(38),
                    "probe.requests_inside_s_total": rising(40),
                }
            )
        ],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.name}")
def test_a_cause_is_named_and_its_twin_is_not(case: Case) -> None:
    assert case.code in codes(case.fires())
    assert case.code not in codes(case.quiet())


def test_a_deadlock_is_one_root_that_explains_the_rest() -> None:
    (found, *others) = roots([trial(DEAD, hung(), 200, observations=[STACKS])])
    assert (found, others) == ("pool-deadlock", [])
    finding = the("pool-deadlock", [trial(DEAD, hung(), 200, observations=[STACKS])])
    assert {"hang", "pool-exhausted"} <= set(finding.consequences)
    assert finding.severity == "error"
    assert finding.confidence >= 0.95
    assert "55" in finding.summary, "15 connections and 40 threads: possible from 55 on"


def test_the_bound_follows_from_the_law_and_a_bigger_pool_is_no_cure() -> None:
    fix = the("pool-deadlock", [trial(DEAD | pool(60, 60), hung(), 200)]).fix
    assert fix is not None
    assert fix.what_if == {"admission": "99"}
    assert "40 + 60 = 100" in fix.prediction
    assert "pool_size" not in fix.what_if
    exhausted = the("pool-exhausted", [trial(pool() | postgres() | cpu(0.2))]).fix
    assert exhausted is not None
    assert not exhausted.cures


def test_littles_law_says_what_a_pool_carries() -> None:
    held = {"probe.pool_held_s_total": rising(15), "probe.pool_checkouts_total": rising(75)}
    fix = the("pool-exhausted", [trial(pool() | postgres() | cpu(0.2) | held)]).fix
    assert fix is not None
    assert "200 ms" in fix.prediction
    assert "75 requests a second" in fix.prediction


def test_less_evidence_is_less_confidence() -> None:
    inside = the("pool-deadlock", [trial(DEAD, hung(), 200, observations=[STACKS])])
    outside = the("pool-deadlock", [trial(OUTSIDE, hung(), 200)])
    assert outside.confidence < inside.confidence
    assert roots([trial(None, hung(), 200)]) == ["hang"]


def test_a_pool_of_one_worker_counts_for_each() -> None:
    finding = the("connection-budget", [trial(observations=[SETTINGS, LIMITS, *SERVED])])
    assert finding.severity == "warning", "it has not come to that yet"
    assert "480" in finding.summary
    assert finding.fix is not None
    assert finding.fix.what_if == {"pool_size": "12", "max_overflow": "0"}


def test_the_last_statement_names_the_thief_of_connections() -> None:
    idle = seen("idle-statement", "postgres", state="idle", share=97, statement="COMMIT;")
    refused = errors("FATAL: sorry, too many clients already")
    finding = the("connection-budget", [trial(result=refused, observations=[idle, LIMITS])])
    assert "97 sessions sit idle; they last ran 'COMMIT;'" in finding.summary


def test_a_dip_in_the_middle_is_found_at_its_level() -> None:
    middle = trial(pool(out=8, waiters=0) | churn(22), level=10)
    ends = [trial(pool(out=1, waiters=0, size=5) | churn(0), level=1)]
    ends.append(trial(pool(out=15, waiters=0) | churn(0), level=48))
    assert the("overflow-churn", [middle, *ends]).level == 10


def test_a_hang_has_no_overflow() -> None:
    assert "overflow-churn" not in codes([trial(DEAD | churn(22), hung(), 200)])


def test_a_service_that_died_has_no_deadlock() -> None:
    said = Validity.of(("the service died during the load, by signal 9",))
    assert "pool-deadlock" not in codes([trial(DEAD, hung(), 200, validity=said)])


def test_the_tokens_may_be_known_from_the_settings_alone() -> None:
    limits = seen("settings", thread_limiter={"tokens": [40]})
    watched = DEAD | {"probe.limiter_tokens": 0}
    fix = the("pool-deadlock", [trial(watched, hung(), 200, observations=[limits])]).fix
    assert fix is not None
    assert fix.what_if == {"admission": "54"}


def test_who_waits_for_a_full_machine_holds_nothing_idle() -> None:
    assert "held-in-transaction" not in codes([trial(slow() | cpu(0.5) | {"machine.cpu_share": 1})])


def test_who_waits_for_a_core_that_the_hypervisor_shares_holds_nothing_idle() -> None:
    busy = slow() | cpu(0.7) | {"machine.cpu_share": 0.55}
    assert "held-in-transaction" in codes([trial(busy)])
    assert "held-in-transaction" not in codes([trial(busy | {"machine.steal_share": 0.2})])


def test_many_overtaken_requests_that_time_out_are_an_error_proved_by_the_tail() -> None:
    assert the("pool-unfair", [overtaken(timed_out=10)]).severity == "warning"
    found = the("pool-unfair", [overtaken(timed_out=2000)])
    assert found.severity == "error"
    assert "half of the answers took 37 ms: later requests overtake it; 2000 timed out." in (
        found.summary
    )
    assert found.fix is not None
    assert (found.fix.what_if, found.fix.metric) == ({"admission": "15"}, "p99_us")
    assert "places = asyncio.Semaphore(15)" in found.fix.example
    assert found.fix.prediction.startswith("In order, each would wait about 0.1 s")
