"""An older store comes along, whole or not at all; what is resumed says what has changed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from syncline.errors import StoreError
from syncline.experiment.environment import differences
from syncline.record import Resumption, RunRecord
from syncline.store import SCHEMA_VERSION, Store, migrate
from tests.unit.factories import run_record


def older(place: Path) -> RunRecord:
    """A store as the first version left it, with one run."""
    machine = replace(run_record().environment, commit="c0ffee", dirty=True)
    record = run_record(id="20260101-000000-aaaa", environment=machine)
    with Store.open(place) as store:
        store.import_run(record)
        kept = store.load_run(record.id)
    connection = sqlite3.connect(place)
    with connection:
        connection.execute("DROP INDEX runs_by_start")
        connection.execute("ALTER TABLE runs DROP COLUMN commit_id")
        connection.execute("ALTER TABLE runs DROP COLUMN dirty")
        connection.execute("UPDATE syncline_schema SET version = 1")
    connection.close()
    return kept


def version(place: Path) -> int:
    connection = sqlite3.connect(place)
    (found,) = connection.execute("SELECT version FROM syncline_schema").fetchone()
    connection.close()
    return int(found)


def test_an_older_store_is_brought_along_and_kept_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    record = older(place)
    with Store.open(place) as store:
        assert store.load_run(record.id) == record
        (summary,) = store.runs()
    assert (summary.commit, summary.dirty) == ("c0ffee", True)
    assert version(place) == SCHEMA_VERSION
    assert version(tmp_path / "runs.db.schema-1") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("runs.db", "runs.db-wal", "runs.db-shm", "runs.db.schema-1"),
    }
    Store.open(place).close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "runs.db"
    record = older(place)

    def fail(connection: object, where: str) -> None:
        raise StoreError("the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "_STEPS", {1: fail})
        with pytest.raises(StoreError, match=r"could not be brought .* the disk is full. It is as"):
            Store.open(place)
    assert version(place) == 1
    assert [path.name for path in tmp_path.glob("*before*")] == []
    with Store.open(place) as store:
        assert store.load_run(record.id) == record


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    with Store.open(place) as store:
        store.import_run(run_record(id="a1"))
        writer = sqlite3.connect(place, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert store.load_run("a1").id == "a1"
        assert len(Store.open(place).runs()) == 1
        writer.execute("ROLLBACK")
        writer.close()


def test_two_processes_cannot_resume_one_run(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    record = run_record(id="a1", status="interrupted")
    again = Resumption("2026-01-02T00:00:00Z", 4, record.environment, ("cores 4, was 2",))
    with Store.open(place) as first, Store.open(place) as second:
        first.import_run(record)
        first.resume_run("a1", again)
        assert second.load_run("a1").status == "running"
        with pytest.raises(StoreError, match="Another process is running a1"):
            second.resume_run("a1", again)
        first.finish_run("a1", "finished")
        assert second.load_run("a1").resumptions == (again,)


def test_back_ends_are_noted_with_the_run(tmp_path: Path) -> None:
    with Store.open(tmp_path / "runs.db") as store:
        run_id = store.create_run(run_record(id="", status="running"))
        store.note_servers(run_id, {"postgres": "18.6"})
        store.note_servers(run_id, {"valkey": "9.1"})
        servers = store.load_run(run_id).environment.servers
    assert servers == {"postgres": "18.6", "valkey": "9.1"}


def test_a_different_machine_is_told_in_phrases() -> None:
    before = run_record().environment
    after = replace(before, cores=8, libraries={"uvloop": "0.22"}, dirty=True)
    assert differences(before, before) == ()
    assert differences(before, after) == (
        "cores 8, was 2",
        "uncommitted changes yes, was unknown",
        "uvloop 0.22, was unknown",
    )
