"""The variants of the case ``users`` answer alike, and fail and hold as they are said to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest

from syncline.backends import Backend, provide
from syncline.engine import load
from syncline.errors import EnvironmentLackError
from syncline.hang import hang_of
from syncline.launch import Service, Workspace, start_service
from syncline.outcome import LoadResult
from syncline.plan import Plan, Request
from syncline_cases.users.case import CASE

pytestmark = pytest.mark.postgres

ALL = tuple(variant.name for variant in CASE.variants)
REQUESTS: tuple[tuple[str, str, object], ...] = (
    ("GET", "/users", None),
    ("GET", "/users/insert-data-to-test", None),
    ("POST", "/users", {"name": "Grace Hopper", "email": "grace@example.com"}),
    ("POST", "/users", {"name": "no address"}),
    ("GET", "/users", None),
    ("GET", "/nowhere", None),
)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def database(workspace: Workspace) -> Iterator[Backend]:
    try:
        backend = provide("postgres", {}, workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))
    with backend:
        yield backend


def prepare(database: Backend, rows: str) -> subprocess.CompletedProcess[str]:
    assert CASE.prepare is not None
    return subprocess.run(
        [sys.executable, "-m", CASE.prepare],
        env={**os.environ, **database.env(), "SYNCLINE_ROWS": rows},
        capture_output=True,
        text=True,
    )


def started(name: str, database: Backend, workspace: Workspace) -> Service:
    assert prepare(database, "20").returncode == 0
    return start_service(
        CASE.variant(name), workspace=workspace, env=database.env(), ready_path=CASE.ready_path
    )


def exchange(service: Service, method: str, path: str, body: object) -> tuple[int, str, bytes]:
    """Status, content type and bytes of an answer."""
    request = urllib.request.Request(service.url + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_all_variants_give_the_same_bytes_for_the_same_requests(
    database: Backend, workspace: Workspace
) -> None:
    answers = {}
    for name in ALL:
        with started(name, database, workspace) as service:
            answers[name] = [exchange(service, *request) for request in REQUESTS]
    first = answers[ALL[0]]
    assert [status for status, _, _ in first] == [200, 200, 201, 422, 200, 404]
    assert len(json.loads(first[0][2])) == 20
    assert json.loads(first[1][2])["id"] == 21
    assert [user["name"] for user in json.loads(first[4][2])][-2:] == [
        "Ada Lovelace",
        "Grace Hopper",
    ]
    for name in ALL[1:]:
        assert answers[name] == first, name


def test_preparing_gives_the_same_rows_again(database: Backend) -> None:
    def rows() -> list[tuple[object, ...]]:
        with psycopg.connect(database.url) as connection:
            return connection.execute("SELECT * FROM users ORDER BY id").fetchall()

    assert prepare(database, "50").returncode == 0
    before = rows()
    assert prepare(database, "50").returncode == 0
    assert rows() == before
    assert len(before) == 50
    assert prepare(database, "0").returncode == 0
    assert rows() == []


@pytest.mark.parametrize("rows", ["many", "-1"])
def test_a_wrong_number_of_rows_is_told_in_words(database: Backend, rows: str) -> None:
    done = prepare(database, rows)
    assert done.returncode == 2
    assert done.stderr == f"SYNCLINE_ROWS is {rows!r}; it must be a whole number, 0 or more.\n"


def test_a_table_of_somebody_else_is_not_dropped(database: Backend) -> None:
    assert prepare(database, "1").returncode == 0
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("COMMENT ON TABLE users IS NULL")
        try:
            done = prepare(database, "2")
            count = connection.execute("SELECT count(*) FROM users").fetchone()
        finally:
            connection.execute("DROP TABLE users")
    assert done.returncode == 2
    assert "not this case's" in done.stderr
    assert count == (1,)


def loaded(service: Service, connections: int) -> LoadResult:
    request = Request("/users", expect=(200,))
    return load(Plan(service.url, (request,), connections=connections, duration_s=3))


def idle_in_transaction(database: Backend) -> int:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("name", "connections"), [("sync", 200), ("async-over-sync", 24)])
def test_a_faulty_variant_stands_still_with_its_whole_pool_in_transactions(
    database: Backend, workspace: Workspace, name: str, connections: int
) -> None:
    # Whether it stands still is a race, which a busy machine may win: three starts are enough.
    for _ in range(3):
        service = started(name, database, workspace)
        try:
            result = loaded(service, connections)
            held = idle_in_transaction(database)
        finally:
            service.stop(grace_s=0)
        if result.silence is not None and result.silence.until_end:
            break
    assert result.silence is not None
    assert result.silence.until_end
    assert result.in_flight == connections
    assert held == 15


@pytest.mark.parametrize("name", ["async", "sync-bounded", "sync-session-inside"])
def test_a_good_variant_answers_200_connections(
    database: Backend, workspace: Workspace, name: str
) -> None:
    with started(name, database, workspace) as service:
        result = loaded(service, 200)
    assert hang_of(result) is None
    assert result.ok > 15 + 40, "more than the requests with which a standstill begins"
    assert result.failed == result.timed_out == 0
