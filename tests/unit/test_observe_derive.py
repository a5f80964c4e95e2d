"""Figures per request, names that turn up, what idle sessions ran last, and /proc's tables."""

from __future__ import annotations

from syncline.observe.derive import at_instant, derive
from syncline.observe.procfs import table
from syncline.observe.shares import Shares, word
from syncline.observe.statements import Held, Idlers, top
from syncline.outcome import Series
from tests.unit.factories import interval


def counter(*values: float | None, every_s: float = 0.5) -> Series:
    return Series("1", tuple(i * every_s for i in range(len(values))), values)


def test_a_counter_is_set_against_the_requests_that_ended_meanwhile() -> None:
    sessions = counter(0, 10, 20, 20, 20)
    spans = (interval(0, 80, failed=15, timed_out=5), interval(1, 50))
    found = derive({"postgres.new_sessions_total": sessions}, spans)
    assert set(found) == {"postgres.new_sessions_per_100_requests"}
    series = found["postgres.new_sessions_per_100_requests"]
    assert series.t_s == (1.0, 2.0)
    assert series.value == (20, 0)


def test_too_few_requests_and_what_was_not_watched_say_nothing() -> None:
    switches = counter(0, 100, 200)
    spans = (interval(0, 100), interval(1, 100), interval(2, 3))
    found = derive({"process.switches_voluntary_total": switches}, spans)
    assert list(found["process.switches_voluntary_per_request"].value) == [2, None, None]
    assert derive({}, spans) == {}


def test_between_samples_a_value_lies_evenly() -> None:
    series = counter(0, 10, None, 30)
    assert at_instant(series, 0.25) == 5
    assert at_instant(series, 0.75) is None
    assert at_instant(series, 1.5) == 30
    assert at_instant(series, 1.6) is None
    assert at_instant(series, -0.1) is None


def test_a_name_that_is_gone_counts_zero_and_too_many_are_summed() -> None:
    shares = Shares("db.waits.", limit=2, known=("running",))
    assert shares.counts({"Lock_transactionid": 3}) == {
        "db.waits.running": 0,
        "db.waits.lock_transactionid": 3,
    }
    assert shares.counts({"a": 1, "b": 2, "running": 4}) == {
        "db.waits.running": 4,
        "db.waits.lock_transactionid": 0,
        "db.waits.other": 3,
    }
    assert word("idle in transaction (aborted)") == "idle_in_transaction_aborted"


def held(state: str, statement: str, sessions: int, at: float) -> Held:
    return Held(state, "app", statement, sessions, 1.0, at)


def test_the_sample_with_most_idle_sessions_is_the_one_that_is_told() -> None:
    idlers = Idlers()
    idlers.add([held("idle", "ROLLBACK", 2, 1.0)])
    idlers.add([held("idle", "COMMIT", 90, 2.0), held("idle", "SELECT\n 1", 7, 2.0)])
    idlers.add([held("idle", "ROLLBACK", 50, 3.0)])
    found = idlers.observations("postgres")
    assert [(one.data["statement"], one.data["share"]) for one in found] == [
        ("COMMIT", 90),
        ("SELECT 1", 7),
    ]
    assert {one.data["monotonic_s"] for one in found} == {2.0}
    idlers.clear()
    assert idlers.observations("postgres") == ()


def test_statements_are_told_by_the_time_they_took_and_without_secrets() -> None:
    found = top(
        "postgres",
        [
            ("SELECT 1", {"calls": 9, "total_ms": 1.0}),
            ("SELECT 'postgresql://me:hunter2@db/x'", {"calls": 1, "total_ms": 50.0}),
        ],
    )
    assert [one.data["calls"] for one in found] == [1, 9]
    assert "hunter2" not in str(found)


def test_the_kernels_paired_tables_are_read_by_name() -> None:
    text = b"TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 1 22\nIpExt: InOctets\nIpExt: 5\n"
    assert table(text) == {
        "TcpExt": {"SyncookiesSent": 1, "ListenOverflows": 22},
        "IpExt": {"InOctets": 5},
    }
