"""The case ``authors``: its matrix, its data, its settings."""

from __future__ import annotations

import pytest

from syncline_cases.authors.case import CASE
from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, to_json
from syncline_cases.authors.prepare import rows


def test_the_matrix_is_whole_and_the_originals_fault_is_in_it() -> None:
    assert len(CASE.variants) == 3 * 3 * 2 * 2
    original = CASE.variant("async-over-sync-cached-pool50-echo")
    assert original.settings["pool_size"] == "50"
    assert original.settings["echo"] == "on"
    assert original.settings["cache_single_flight"] == "off"
    assert "cache_ttl_s" not in CASE.variant("async").settings


def test_what_is_said_to_fail_is_the_blocked_loop_with_a_small_pool() -> None:
    assert set(CASE.faulty) == {
        "async-over-sync",
        "async-over-sync-echo",
        "async-over-sync-cached",
        "async-over-sync-cached-echo",
    }


@pytest.mark.parametrize(
    ("given", "sync_driver", "async_driver"),
    [
        ("mysql://me@host/db", "mysql+pymysql", "mysql+asyncmy"),
        ("mariadb://me@host/db", "mariadb+pymysql", "mariadb+asyncmy"),
        ("postgresql://me@host/db", "postgresql+psycopg", "postgresql+asyncpg"),
        ("mysql+pymysql://me@host/db", "mysql+pymysql", "mysql+asyncmy"),
    ],
)
def test_the_driver_follows_the_database_that_there_is(
    monkeypatch: pytest.MonkeyPatch, given: str, sync_driver: str, async_driver: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert database_url("sync").drivername == sync_driver
    assert database_url("async").drivername == async_driver
    assert database_url("sync").host == "host"


def test_the_pool_is_sqlalchemys_own_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCLINE_POOL_SIZE", raising=False)
    monkeypatch.delenv("SYNCLINE_ECHO", raising=False)
    assert engine_options() == {"echo": False}
    monkeypatch.setenv("SYNCLINE_POOL_SIZE", "50")
    monkeypatch.setenv("SYNCLINE_ECHO", "on")
    assert engine_options() == {"echo": True, "pool_size": 50}


def test_the_same_number_of_authors_is_the_same_authors() -> None:
    assert rows(20) == rows(20)
    assert rows(20) == rows(30)[:20]
    assert rows(20) != rows(20, seed=2)


def test_what_the_cache_keeps_is_compact_json_in_utf_8() -> None:
    author = Author(id=1, name="Wisława", born=1923, biography="x")
    assert to_json(author) == '{"id":1,"name":"Wisława","born":1923,"biography":"x"}'.encode()
    assert to_json(None) is None
