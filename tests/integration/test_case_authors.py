"""The variants of the case ``authors`` answer alike, and fail and hold as they are said to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis import Redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from syncline.backends import Backend, provide
from syncline.engine import load
from syncline.errors import EnvironmentLackError
from syncline.launch import Service, Workspace, start_service
from syncline.outcome import LoadResult
from syncline.plan import Plan, Request
from syncline_cases.authors.case import CASE
from tests.integration.children import eventually

pytestmark = [pytest.mark.mariadb, pytest.mark.valkey]

APPS = tuple(
    f"{style}{cache}"
    for style in ("sync", "async-over-sync", "async")
    for cache in ("", "-cached", "-single-flight")
)
PATHS = (
    "/authors/1",
    "/authors/1",
    "/authors/20",
    "/authors/21",
    "/authors/21",
    "/authors/0",
    "/authors/x",
    "/authors/9999999999999",
    "/nowhere",
)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as workspace:
        yield workspace


def backend(name: str, workspace: Workspace) -> Backend:
    try:
        return provide(name, {}, workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))


@pytest.fixture(scope="module")
def cache(workspace: Workspace) -> Iterator[Backend]:
    with backend("valkey", workspace) as ready:
        yield ready


@pytest.fixture(scope="module")
def database(workspace: Workspace) -> Iterator[Backend]:
    with backend("mariadb", workspace) as ready:
        prepare(ready)
        yield ready


def prepare(database: Backend) -> None:
    env = {**os.environ, **database.env(), "SYNCLINE_AUTHORS": "20"}
    subprocess.run([sys.executable, "-m", str(CASE.prepare)], env=env, check=True)


def started(
    name: str, workspace: Workspace, *backends: Backend, settings: Mapping[str, str] | None = None
) -> Service:
    variant = CASE.variant(name)
    env = {name: value for ready in backends for name, value in ready.env().items()}
    return start_service(
        replace(variant, settings={**variant.settings, **(settings or {})}),
        workspace=workspace,
        env=env,
        ready_path="/docs",
    )


def get(service: Service, path: str) -> tuple[int, str, bytes]:
    """Status, content type and bytes of an answer."""
    try:
        with urllib.request.urlopen(service.url + path, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_all_variants_give_the_same_bytes_for_the_same_requests(
    database: Backend, cache: Backend, workspace: Workspace
) -> None:
    answers = {}
    for name in APPS:
        Redis.from_url(cache.url).flushall()
        with started(name, workspace, database, cache) as service:
            answers[name] = [get(service, path) for path in PATHS]
    first = answers[APPS[0]]
    assert [status for status, _, _ in first] == [200, 200, 200, 404, 404, 422, 422, 422, 404]
    assert json.loads(first[0][2])["id"] == 1
    for name in APPS[1:]:
        assert answers[name] == first, name


@pytest.mark.postgres
def test_postgresql_does_where_there_is_no_mariadb(
    database: Backend, cache: Backend, workspace: Workspace
) -> None:
    with backend("postgres", workspace) as other:
        prepare(other)
        with started("sync", workspace, database, cache) as service:
            wanted = [get(service, path) for path in PATHS]
        for name in ("sync", "async-over-sync-cached", "async"):
            with started(name, workspace, other, cache) as service:
                assert [get(service, path) for path in PATHS] == wanted, name


def counts(service: Service) -> dict[str, int]:
    found: dict[str, int] = json.loads(get(service, "/cache")[2])
    return found


def burst(service: Service, path: str, number: int = 30) -> set[bytes]:
    with ThreadPoolExecutor(number) as pool:
        return {answer for _, _, answer in pool.map(lambda _: get(service, path), range(number))}


@pytest.mark.parametrize("name", ["sync-cached", "async-cached"])
def test_the_cache_serves_what_it_has_and_forgets_it_in_time(
    database: Backend, cache: Backend, workspace: Workspace, name: str
) -> None:
    client = Redis.from_url(cache.url)
    client.flushall()
    lifetimes = {"cache_ttl_s": "30", "cache_negative_ttl_s": "10"}
    with started(name, workspace, database, cache, settings=lifetimes) as service:
        answers = [get(service, path)[0] for path in ("/authors/1",) * 3 + ("/authors/99",) * 3]
        assert answers == [200] * 3 + [404] * 3
        assert counts(service) == {"hits": 4, "misses": 2, "loads": 2}
        assert 20_000 < client.pttl("author:1") <= 30_000
        assert 0 < client.pttl("author:99") <= 10_000
        client.delete("author:1")
        assert get(service, "/authors/1")[0] == 200
        assert counts(service)["loads"] == 3


@pytest.mark.parametrize("name", ["sync-single-flight", "async-single-flight"])
def test_single_flight_loads_an_expired_key_less_often_than_it_is_missed(
    database: Backend, cache: Backend, workspace: Workspace, name: str
) -> None:
    client = Redis.from_url(cache.url)
    with started(name, workspace, database, cache) as service:
        lock = create_engine(target(database), poolclass=NullPool)
        with lock.connect() as holder, ThreadPoolExecutor(1) as pool:
            holder.execute(text("LOCK TABLES authors WRITE"))  # a load lasts until it is released
            client.flushall()
            answers = pool.submit(burst, service, "/authors/1")
            assert eventually(lambda: counts(service)["misses"] == 30)
            assert counts(service)["loads"] == 1
            holder.execute(text("UNLOCK TABLES"))
            assert len(answers.result(30)) == 1
        assert counts(service) == {"hits": 0, "misses": 30, "loads": 1}


def test_without_single_flight_an_expired_key_is_loaded_by_all_that_miss_it(
    database: Backend, cache: Backend, workspace: Workspace
) -> None:
    client = Redis.from_url(cache.url)
    with started("async-cached", workspace, database, cache) as service:
        lock = create_engine(target(database), poolclass=NullPool)
        with lock.connect() as holder, ThreadPoolExecutor(1) as pool:
            holder.execute(text("LOCK TABLES authors WRITE"))
            client.flushall()
            answers = pool.submit(burst, service, "/authors/1")
            assert eventually(lambda: counts(service)["loads"] == 30)
            holder.execute(text("UNLOCK TABLES"))
            assert len(answers.result(30)) == 1


def target(database: Backend, url: str | None = None) -> str:
    """The database's address for SQLAlchemy."""
    chosen = make_url(url or database.url).set(drivername="mysql+pymysql")
    return chosen.render_as_string(hide_password=False)


def transactions(database: Backend) -> int:
    engine = create_engine(target(database, database.admin_url), poolclass=NullPool)
    with engine.connect() as connection:
        return int(
            connection.scalar(text("SELECT count(*) FROM information_schema.innodb_trx")) or 0
        )


def loaded(service: Service, duration_s: float) -> LoadResult:
    request = Request("/authors/1", expect=(200,))
    return load(Plan(service.url, (request,), connections=50, duration_s=duration_s))


@pytest.mark.parametrize("name", ["async-over-sync", "async-over-sync-cached"])
def test_a_faulty_variant_stands_still_with_its_whole_pool_in_transactions(
    database: Backend, cache: Backend, workspace: Workspace, name: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        service = started(name, workspace, database, cache)
        try:
            running = pool.submit(loaded, service, 8)
            # InnoDB gives the same old list to whoever asks again within 0.1 s.
            assert eventually(lambda: transactions(database) == 15, every_s=0.2)
            result = running.result(60)
            assert transactions(database) == 15
        finally:
            service.stop(grace_s=0)
    assert result.silence is not None
    assert result.silence.until_end
    assert result.in_flight == 50


@pytest.mark.parametrize(
    "name",
    ["sync", "async", "async-cached", "async-over-sync-pool50", "async-over-sync-single-flight"],
)
def test_a_good_variant_answers_50_connections(
    database: Backend, cache: Backend, workspace: Workspace, name: str
) -> None:
    with started(name, workspace, database, cache) as service:
        result = loaded(service, 3)
    assert result.ok > 50
    assert result.failed == result.timed_out == 0
