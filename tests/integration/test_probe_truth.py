"""What the probe says of a service is what the service does."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syncline.backends import provide
from syncline.engine import load
from syncline.errors import EnvironmentLackError
from syncline.launch import Workspace, start_service
from syncline.observe.probe import ProbeEvent, ProbeReader
from syncline.plan import Plan, Request
from syncline.trial import Variant
from tests.integration.probed import (
    APP,
    APP_FILE,
    eventually,
    get,
    get_all,
    last,
    place_of,
    probed,
    routes,
    rows,
    script,
    values,
)

ONE = Variant("one", app=APP)
LOOPS = ["asyncio", "uvloop"]


def standing_in(reader: ProbeReader, name: str, **wanted: object) -> ProbeEvent | None:
    """The first event that tells of that function; the start of a service blocks its loop, too."""
    for one in reader.events():
        where = one.fields.get("where")
        here = isinstance(where, list) and where[-1:] == [name]
        if here and all(one.fields.get(key) == value for key, value in wanted.items()):
            return one
    return None


def test_a_pool_of_fifteen_with_thirty_five_users_shows_twenty_that_wait() -> None:
    with probed(ONE) as (service, reader), ThreadPoolExecutor(35) as pool:
        held = [pool.submit(get, service, "/hold") for _ in range(35)]
        try:
            # Who waits does so before those that got a connection have used it.
            standing = {
                "probe.pool_waiters": 20,
                "probe.pool_checked_out": 15,
                "probe.pool_idle_transactions": 15,
                "probe.limiter_borrowed": 35,
                "probe.requests_in_flight": 35,
            }
            seen = eventually(
                lambda: now if standing.items() <= (now := reader.latest()).items() else None
            )
            stacks = reader.request_stacks(timeout_s=20)
        finally:
            get(service, "/release")
        for one in held:
            one.result()
        # The request that showed it ready is one more.
        (pool_row,) = eventually(
            lambda: [
                row
                for one in reader.summaries().values()
                for row in rows(one, "pools")
                if row["checkouts"] == 36 and row["checked_out"] == 0
            ]
        )
    assert seen["probe.pool_size"] == 5
    assert seen["probe.pool_limit"] == 15
    assert seen["probe.pool_checked_out"] == 15
    assert seen["probe.pool_overflow"] == 10
    assert seen["probe.pool_idle_transactions"] == 15
    assert seen["probe.pool_waiters_on_loop"] == 0
    assert seen["probe.limiter_borrowed"] == 35
    assert seen["probe.limiter_tokens"] == 40
    assert seen["probe.requests_in_flight"] == 35
    assert sum(pool_row["waits"]["counts"]) == 20
    site = pool_row["held_longest"]["site"][0]
    assert site[1:] == [place_of(APP_FILE, "with engine.connect()"), "hold"]
    (stack,) = stacks
    holding = sum(row["count"] for row in rows(stack.content, "requests") if row["holds"] == 1)
    assert holding == 15
    waiting = [row for row in rows(stack.content, "threads") if row["count"] == 20]
    assert any("Queue.get" in str(frame[2]) for frame in waiting[0]["stack"])


@pytest.mark.parametrize("loop", LOOPS)
def test_a_block_of_150_ms_shows_its_lag_and_its_line(loop: str) -> None:
    with probed(Variant("loop", app=APP, loop=loop)) as (service, reader):  # type: ignore[arg-type]
        # On a busy machine the thread that looks may itself come too late, now and then.
        def blocked() -> ProbeEvent | None:
            get(service, "/block")
            return standing_in(reader, "block")

        event = eventually(blocked)
        eventually(lambda: max(values(reader, "probe.loop_lag_max_ms")) >= 125)
        assert event.name == "loop-blocked"
        assert event.fields["where"] == [
            str(APP_FILE),
            place_of(APP_FILE, "time.sleep(0.15)"),
            "block",
        ]
        assert isinstance(event.fields["lag_ms"], float)
        assert event.fields["lag_ms"] >= 125
        assert last(reader, "probe.loop_blocks_total") >= 1
        # Half the planned heartbeats of a block are late by more than half of it.
        assert max(values(reader, "probe.loop_lag_p50_ms")) >= 40
        eventually(lambda: loop in str(reader.settings().get("event_loop")))


def test_a_frozen_loop_is_still_reported_and_where_it_stands(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with probed(ONE) as (service, reader):
        asking = threading.Thread(target=get, args=(service, f"/freeze?fifo={fifo}"))
        asking.start()
        try:
            eventually(lambda: last(reader, "probe.loop_lag_max_ms") > 1500)
            ongoing = eventually(lambda: standing_in(reader, "freeze", ongoing=True))
            noticed = eventually(lambda: list(reader.stacks()))
        finally:
            fifo.write_bytes(b"go on")
            asking.join()
    where = ongoing.fields["where"]
    assert isinstance(where, list)
    assert where[1:] == [place_of(APP_FILE, "read_bytes()"), "freeze"]
    assert noticed[0].reason.startswith("no request ended for")


def test_statements_are_counted_by_route_under_fifty_requests_at_once() -> None:
    kinds = {"GET /sync/{number}": 7, "GET /async/{number}": 7, "GET /three/{number}": 3}
    paths = [f"/{kind}/{n}" for n in range(50) for kind in ("sync", "async", "three")]
    with probed(ONE, ready_path="/release") as (service, reader):
        get_all(service, paths, 50)
        eventually(
            lambda: sum(routes(reader).get(one, {}).get("requests", 0) for one in kinds) == 150
        )
        found = routes(reader)
        repeated = [
            row["repeated"]
            for one in reader.summaries().values()
            for row in rows(one, "routes")
            if row["route"] == "GET /sync/{number}"
        ]
    for route, count in kinds.items():
        row = found[route]
        assert (row["requests"], row["least"], row["most"]) == (50, count, count), route
        assert row["statements"] == 50 * count
    assert repeated == [{"statement": "SELECT 7", "times": 350, "requests": 50}]


def test_of_many_requests_some_stand_for_the_others_and_come_to_the_truth() -> None:
    """Far more than have records of their own, of two routes that use the database differently."""
    paths = {"GET /async/{number}": 7, "GET /none/{number}": 0}
    asks = tuple(Request(route.removeprefix("GET ").format(number=1)) for route in paths)
    with probed(ONE, ready_path="/release") as (service, reader):
        result = load(Plan(service.url, asks, connections=4, duration_s=6.0))
        ended = result.started - result.in_flight
        eventually(lambda: _counted(reader) >= ended)
        found = routes(reader)
        seen = reader.latest()
        (pool_row,) = [row for one in reader.summaries().values() for row in rows(one, "pools")]
    asked = ended / len(paths)
    assert asked > 1000
    for route, statements in paths.items():
        row = found[route]
        assert row["requests"] == pytest.approx(asked, rel=0.1), route
        assert row["statements"] == pytest.approx(statements * row["requests"], abs=7), route
        assert (row["least"], row["most"]) == (statements, statements), route
    assert seen["probe.sql_statements_total"] == pytest.approx(7 * asked, rel=0.1)
    assert pool_row["checkouts"] == pytest.approx(asked, rel=0.1)
    assert sum(pool_row["held"]["counts"]) == pytest.approx(pool_row["checkouts"], rel=0.05)
    assert seen["probe.pool_held_s_total"] < seen["probe.requests_inside_s_total"]
    assert pool_row["checked_out"] == 0


def _counted(reader: ProbeReader) -> int:
    return sum(row["requests"] for row in routes(reader).values())


@pytest.mark.postgres
def test_an_async_pool_shows_its_waiters_and_its_statements() -> None:
    with Workspace.open() as workspace, ProbeReader(workspace.path) as reader:
        try:
            backend = provide("postgres", {}, workspace)
        except EnvironmentLackError as lack:
            pytest.skip(str(lack))
        variant = Variant("async", app="tests.integration.probe_async_app:app")
        with (
            backend,
            start_service(
                variant,
                workspace=workspace,
                env={**backend.env(), **reader.env()},
                ready_path="/none",
            ) as service,
        ):
            get_all(service, [f"/seven/{n}" for n in range(50)], 50)
            row = eventually(lambda: _row(reader, "GET /seven/{number}", 50))
            assert (row["statements_min"], row["statements_max"]) == (7, 7)
            direct = [f"/direct/{n}" for n in range(20)]
            get_all(service, direct, 20)
            row = eventually(lambda: _row(reader, "GET /direct/{number}", 20))
            assert (row["statements_min"], row["statements_max"]) == (7, 7)
            with ThreadPoolExecutor(35) as pool:
                held = [pool.submit(get, service, "/hold") for _ in range(35)]
                try:
                    eventually(lambda: last(reader, "probe.pool_waiters") == 20)
                    # The 20 wait as soon as the 15 have their connections; each of those is an
                    # idle transaction only once its statement has come back.
                    eventually(lambda: last(reader, "probe.pool_idle_transactions") == 15)
                finally:
                    get(service, "/release")
                for one in held:
                    one.result()
            eventually(lambda: last(reader, "probe.pool_waiters") == 0)


def _row(reader: ProbeReader, route: str, requests: int) -> dict[str, object] | None:
    for summary in reader.summaries().values():
        for row in rows(summary, "routes"):
            if row["route"] == route and row["requests"] == requests:
                return dict(row)
    return None


STATEMENTS = """
import sqlalchemy
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool
from syncline_probe import ledger, pools, requests

class Heir(SQLiteDialect_pysqlite):
    supports_statement_cache = True

    def do_executemany(self, cursor, statement, parameters, context=None):
        super().do_executemany(cursor, statement, parameters, context=context)

sqlalchemy.dialects.registry.register("sqlite.heir", __name__, "Heir")
request = requests.begin("GET", "/")
ledger.current.set(request)
for url in ("sqlite://", "sqlite+heir://"):
    engine = sqlalchemy.create_engine(url, poolclass=QueuePool)
    with engine.connect() as one:
        one.execute(sqlalchemy.text("CREATE TABLE t (n INTEGER)"))
        one.execute(sqlalchemy.text("INSERT INTO t VALUES (:n)"), [{"n": 1}, {"n": 2}])
        (hold,) = pools.every_hold()
        print(hold.last_s is not None, end=" ")
        one.commit()
        print(hold.last_s is not None, end=" ")
        try:
            one.exec_driver_sql("SELECT nothing")
        except sqlalchemy.exc.OperationalError:
            print(hold.busy_s, request.in_statement, end=" ")
    engine.dialect.do_execute(engine.raw_connection().cursor(), "SELECT ?", (1,))
    print(request.statements, engine._has_events)
"""


def test_each_statement_counts_once_without_an_event_of_the_library(tmp_path: Path) -> None:
    with ProbeReader(tmp_path) as reader, script(STATEMENTS, reader) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline().split() for _ in range(2)]
    assert seen == [["True", "False", "None", "False", count, "False"] for count in ("3", "6")]
