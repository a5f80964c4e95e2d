"""The pytest plugin as a user's suite meets it: real services, in pytest runs of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

APP = """
import json

BOOKS = json.dumps([{"id": 1}]).encode()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    status = 500 if scope["path"] == "/broken" else 200
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-length", str(len(BOOKS)).encode())]})
    await send({"type": "http.response.body", "body": BOOKS})
"""
SUITE = """
import urllib.request

import pytest


@pytest.mark.syncline(connections=2, duration=1)
def test_books_hold(syncline):
    result = syncline.run("shop.main:app", path="/books")
    assert result.requests > 0
    assert 0 < result.p50_ms <= result.p99_ms <= result.max_ms
    assert result.error_rate == 0
    assert not result.findings.errors


def test_broken_is_told(syncline):
    result = syncline.run("shop.main:app", path="/broken", connections=2, duration=1)
    assert result.errors == 0, result


def test_it_answers(syncline_service):
    service = syncline_service("shop.main:app")
    assert service is syncline_service("shop.main:app")
    assert urllib.request.urlopen(service.url + "/books").status == 200


def test_a_slip_is_one_sentence(syncline):
    with pytest.raises(Exception, match="syncline.run takes no 'conections'"):
        syncline.run("shop.main:app", conections=3)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A project of a user's, whose module is found by pytest's ``pythonpath``."""
    with tempfile.TemporaryDirectory(prefix="syncline-test-") as name:
        path = Path(name)
        path.chmod(0o711)
        (path / "src" / "shop").mkdir(parents=True)
        (path / "src" / "shop" / "__init__.py").touch()
        (path / "src" / "shop" / "main.py").write_text(APP)
        (path / "pytest.ini").write_text(
            "[pytest]\npythonpath = src\naddopts = -p no:cacheprovider\n"
        )
        (path / "test_shop.py").write_text(SUITE)
        yield path


def pytest_in(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest there, with nothing of this one's in its environment."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=place,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def test_a_suite_asserts_on_what_its_service_does_and_gets_one_report(place: Path) -> None:
    done = pytest_in(place, "-n", "2", "--syncline-report", "loads")
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    # The failing assertion shows what was measured, not an address of an object.
    assert "<shop at 2 connections: " in done.stdout
    assert "errors-dominate (error)" in done.stdout
    summary = done.stdout.partition("= syncline =")[2]
    assert "test_books_hold: shop, 2 × 1 s: p50 " in summary
    index = (place / "loads" / "index.md").read_text()
    assert index.startswith("# Loads of the tests")
    for test in ("test_books_hold", "test_broken_is_told"):
        assert f"test_shop.py::{test}" in index
        assert (place / "loads" / f"test_shop.py-{test}.html").exists()
    assert (place / "loads" / "index.html").read_text().startswith("<!doctype html>")


def test_a_suite_that_loads_nothing_does_not_pay_for_it(place: Path) -> None:
    (place / "test_shop.py").write_text(
        "import json, sys\n\n\ndef test_plain():\n"
        "    names = [one for one in sys.modules if one.startswith('syncline')]\n"
        "    open('modules.json', 'w').write(json.dumps(names))\n"
    )
    done = pytest_in(place)
    assert done.returncode == 0, done.stdout
    assert "syncline" not in done.stdout.partition("\n")[2].replace("syncline-", "")
    modules = set(json.loads((place / "modules.json").read_text()))
    assert modules <= {"syncline", "syncline.pytest_plugin"}


STORED = """
import os

import asyncpg


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        body = str(await connection.fetchval("SELECT 40 + 2")).encode()
    finally:
        await connection.close()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": body})
"""
WITH_POSTGRES = """
def test_orders(syncline, syncline_postgres):
    result = syncline.run(
        "shop.main:app", path="/orders", backends={"DATABASE_URL": syncline_postgres},
        connections=2, duration=1,
    )
    assert result.requests > 0
    assert result.errors == 0, result
    assert any(name.startswith("postgres.") for name in result.outcome.series)
"""


@pytest.mark.postgres
def test_a_server_of_the_session_reaches_the_service_and_is_observed(place: Path) -> None:
    (place / "src" / "shop" / "main.py").write_text(STORED)
    (place / "test_shop.py").write_text(WITH_POSTGRES)
    done = pytest_in(place, "-rs")
    if "1 skipped" in done.stdout:
        pytest.skip(done.stdout)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
