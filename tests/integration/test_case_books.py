"""The variants of the case ``books`` answer alike, and fail and hold as they are said to."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from syncline.backends import Backend, provide
from syncline.engine import load
from syncline.errors import EnvironmentLackError
from syncline.launch import Service, Workspace, start_service
from syncline.outcome import LoadResult
from syncline.plan import Plan, Request, Timeouts
from syncline_cases.books.case import CASE, CROWD
from tests.integration.children import eventually

pytestmark = pytest.mark.postgres

GOOD = ("sync-lazy", "sync-joined", "sync-selectin", "async-joined", "async-selectin")
NEW = {"title": "Émile", "year": 1762, "authors": [3, 1], "genres": [2]}
CHANGED = {"title": "Émile, again", "year": 1763, "authors": [2], "genres": []}


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as workspace:
        yield workspace


def provided(workspace: Workspace, name: str) -> Backend:
    try:
        return provide("postgres", CASE.variant(name).backends["postgres"], workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))


@pytest.fixture(scope="module")
def database(workspace: Workspace) -> Iterator[Backend]:
    with provided(workspace, "sync-lazy") as backend:
        yield backend


def prepare(database: Backend, books: str = "120") -> None:
    env = {**os.environ, **database.env(), "SYNCLINE_BOOKS": books}
    subprocess.run([sys.executable, "-m", str(CASE.prepare)], env=env, check=True)


def started(
    name: str, database: Backend, workspace: Workspace, workers: int | None = None
) -> Service:
    prepare(database)
    variant = CASE.variant(name)
    if workers is not None:
        variant = replace(variant, workers=workers)
    return start_service(
        variant, workspace=workspace, env=database.env(), ready_path=CASE.ready_path
    )


def exchange(service: Service, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    """Status and bytes of an answer."""
    request = urllib.request.Request(service.url + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def life_of_a_book(service: Service, root: str) -> list[tuple[int, bytes]]:
    created = exchange(service, "POST", f"{root}/", NEW)
    path = f"{root}/{json.loads(created[1])['id']}"
    return [
        created,
        exchange(service, "GET", path),
        exchange(service, "PUT", path, CHANGED),
        exchange(service, "GET", path),
        exchange(service, "PUT", path, {**CHANGED, "authors": [999]}),
        exchange(service, "POST", f"{root}/", {**NEW, "genres": [999]}),
        exchange(service, "POST", f"{root}/", {**NEW, "title": ""}),
        exchange(service, "GET", path),
        exchange(service, "DELETE", path),
        exchange(service, "GET", path),
        exchange(service, "DELETE", path),
    ]


def answers(
    name: str, root: str, database: Backend, workspace: Workspace
) -> list[tuple[int, bytes]]:
    with started(name, database, workspace, workers=1) as service:
        paths = ("?limit=200", "?limit=20", "?limit=0", "?limit=x", "1")
        pages = [exchange(service, "GET", f"{root}/{path}") for path in paths]
        return [*pages, *life_of_a_book(service, root)]


@pytest.fixture(scope="module")
def wanted(database: Backend, workspace: Workspace) -> list[tuple[int, bytes]]:
    return answers("sync-joined", "/books", database, workspace)


def test_a_book_lives_and_dies_and_refused_changes_change_nothing(
    wanted: list[tuple[int, bytes]],
) -> None:
    statuses = [status for status, _ in wanted]
    assert statuses[:5] == [200, 200, 422, 422, 200]
    assert statuses[5:] == [201, 200, 200, 200, 409, 409, 422, 200, 204, 404, 404]
    created, read, changed, *_ = (body for _, body in wanted[5:])
    assert created == read
    assert json.loads(created)["title"] == "Émile"
    assert [author["id"] for author in json.loads(created)["authors"]] == [1, 3]
    assert json.loads(changed)["genres"] == []
    assert wanted[8] == wanted[12] == (200, changed)


@pytest.mark.parametrize("name", GOOD)
def test_every_variant_gives_the_same_bytes_for_the_same_requests(
    database: Backend, workspace: Workspace, wanted: list[tuple[int, bytes]], name: str
) -> None:
    assert answers(name, "/async_books", database, workspace) == wanted


@pytest.mark.parametrize("root", ["/books", "/async_books"])
def test_both_paths_of_the_two_engines_give_the_same_bytes(
    database: Backend, workspace: Workspace, wanted: list[tuple[int, bytes]], root: str
) -> None:
    assert answers("four-workers-pool10", root, database, workspace) == wanted


def test_both_pages_are_about_as_large_as_the_originals(wanted: list[tuple[int, bytes]]) -> None:
    large, small = wanted[0][1], wanted[1][1]
    assert len(json.loads(large)) == 120
    assert abs(len(large) / 20_811 - 1) < 0.15
    assert abs(len(small) / 4_083 - 1) < 0.25


def test_lazy_loading_of_a_page_is_two_statements_a_book_and_the_cures_are_few(
    database: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(database)
    queries = importlib.import_module("syncline_cases.books.queries")
    engine = create_engine(database.url.replace("postgresql://", "postgresql+psycopg://"))
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = {}
    for loading in ("lazy", "joined", "selectin"):
        monkeypatch.setenv("SYNCLINE_LOADING", loading)
        statements.clear()
        with Session(engine) as session:
            assert len(queries.to_wire(session.scalars(queries.page(200)).unique())) == 120
        counts[loading] = len(statements)
    engine.dispose()
    assert counts == {"lazy": 1 + 2 * 120, "joined": 1, "selectin": 3}


def test_lazy_loading_in_async_is_an_error_with_a_name(
    database: Backend, workspace: Workspace
) -> None:
    with started("async-lazy", database, workspace) as service:
        assert exchange(service, "GET", "/books/?limit=1")[0] == 500
        # What the service writes reaches its log by way of another process.
        assert eventually(lambda: "MissingGreenlet" in service.log_tail(200))


def crowd(service: Service, path: str) -> LoadResult:
    request = Request(f"{path}/?limit=5", expect=(200,))
    timeouts = Timeouts(total_s=20, response_s=20)
    return load(Plan(service.url, (request,), connections=CROWD, duration_s=4, timeouts=timeouts))


def sessions(database: Backend) -> int:
    """How many connections the service holds, counted where the administrator always may."""
    assert database.admin_url is not None
    address, found = database.admin_url, list[int]()

    def counted() -> bool:
        try:
            with psycopg.connect(address) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'syncline'"
                ).fetchone()
        except psycopg.OperationalError:
            return False  # what is still being refused takes every place for a moment
        assert row is not None
        found.append(int(row[0]))
        return True

    assert eventually(counted)
    return found[0]


def test_the_engine_that_is_busy_first_keeps_all_connections_and_the_other_one_fails(
    workspace: Workspace,
) -> None:
    with (
        provided(workspace, "four-workers-pool50") as own,
        started("four-workers-pool50", own, workspace) as service,
    ):
        first = crowd(service, "/books")
        # Which worker gets a connection is chance, and each keeps what it has once opened:
        # where one had few, another crowd opens the rest.
        for _ in range(9):
            if (held := sessions(own)) > 90:
                break
            crowd(service, "/books")
        second = crowd(service, "/async_books")
        log = service.log_tail(2000)
    assert first.ok > 0
    assert held > 90  # of 97; near all are idle and none comes back
    assert second.status.get("5xx", 0) > 0
    assert second.ok < second.failed
    assert "remaining connection slots are reserved" in log or "too many clients" in log


def test_a_budget_within_the_servers_limit_fails_nowhere(workspace: Workspace) -> None:
    with (
        provided(workspace, "four-workers-pool10") as own,
        started("four-workers-pool10", own, workspace) as service,
    ):
        results = [crowd(service, path) for path in ("/books", "/async_books")]
        assert sessions(own) <= 96
    for result in results:
        assert result.ok > 0
        assert result.failed == result.timed_out == 0
