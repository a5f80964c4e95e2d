"""What is seen of MariaDB from outside, against sessions that the test itself holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import make_url

from syncline.backends import Backend
from syncline.observe import MariaDb
from syncline.process import Workspace
from tests.integration.observed import becomes, provided, sample

pymysql = pytest.importorskip("pymysql")
pytestmark = pytest.mark.mariadb


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Backend]:
    settings = {"max_connections": "12", "performance_schema": "ON"}
    with provided("mariadb", settings, workspace) as ready:
        yield ready


@pytest.fixture
def observer(server: Backend) -> Iterator[MariaDb]:
    watching = MariaDb(server.admin_url or server.url, makes_room=True)
    with contextlib.closing(watching):
        becomes(watching, "mariadb.sessions", 0)
        watching.begin()
        yield watching


def connect(server: Backend, stack: contextlib.ExitStack) -> Any:
    url = make_url(server.url)
    connection: Any = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, database=url.database
    )
    stack.callback(connection.close)
    return connection


def test_innocent_sleepers_are_told_from_those_in_a_transaction(
    server: Backend, observer: MariaDb
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            connect(server, stack)
        for _ in range(3):
            with connect(server, stack).cursor() as cursor:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        found = becomes(observer, "mariadb.transactions", 3)
        states = {
            one.data["state"]: one.data["sessions"]
            for one in observer.observations()
            if one.kind == "idle-statement"
        }
    assert found["mariadb.sessions"] == 7
    assert found["mariadb.sessions.sleep"] == 7
    assert found["mariadb.threads_connected"] == 7
    assert found["mariadb.max_connections"] == 12
    assert states["idle in transaction"] == 3


def test_new_sessions_and_questions_are_counted_and_the_observers_own_are_not(
    server: Backend, observer: MariaDb
) -> None:
    with contextlib.ExitStack() as stack:
        asking = connect(server, stack).cursor()
        before = sample(observer)
        for _ in range(25):
            asking.execute("SELECT 1")
        for _ in range(6):
            connect(server, contextlib.ExitStack()).close()
        after = sample(observer)

    def grown(name: str) -> float:
        return (after[name] or 0) - (before[name] or 0)

    assert grown("mariadb.new_sessions_total") == 6
    assert grown("mariadb.selects_total") == 25
    assert grown("mariadb.questions_total") >= 25
    assert grown("mariadb.questions_total") <= 25 + 6 * 3


def test_with_all_places_taken_the_observer_still_sees(server: Backend, observer: MariaDb) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            connect(server, stack)
        with pytest.raises(pymysql.MySQLError, match="Too many"):
            connect(server, stack)
        found = sample(observer)
        assert (found["mariadb.sessions"] or 0) == 12


def test_statements_are_told_apart_by_the_performance_schema(
    server: Backend, observer: MariaDb
) -> None:
    with contextlib.ExitStack() as stack:
        asking = connect(server, stack).cursor()
        for number in range(9):
            asking.execute(f"SELECT {number} + 4711")
    told = [one.data for one in observer.observations() if one.kind == "statement"]
    assert 9 in [row["calls"] for row in told]
    assert not any("information_schema" in str(row["statement"]) for row in told)
