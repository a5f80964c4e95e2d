"""Older stores brought to this version: rehearsed on a copy, then done in one transaction.

Why the copy does not simply take the store's place: an SQLite store is its file *and* the log
beside it, which belongs to the file's name; and another process that has the old file open would
go on writing into a file that nobody finds any more. So the steps are first tried and checked on
a copy; only then are they done in the store itself, where a transaction gives what a rename would:
the old store or the new one, whole, whenever the power fails. The store as it was stays beside
it as ``runs.db.schema-1``.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, text, update

from syncline.errors import StoreError
from syncline.store.database import open_database, transaction
from syncline.store.payload import unpack
from syncline.store.schema import RUNS, SCHEMA, SCHEMA_VERSION, TRIALS, lock_schema, schema_version


def migrate(engine: Engine, where: str, path: Path | None) -> None:
    """Brings an older store to this version; one that is of this version already is left alone.

    Args:
        path: of the SQLite file; None on a server, where the copy is the administrator's.

    Raises:
        StoreError: it failed, and the store is as it was.
    """
    try:
        if path is not None:
            _rehearse(path, where)
        with transaction(engine, where) as connection:
            lock_schema(connection)
            _take_steps(connection, where)
    except (StoreError, OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{where} is of an older Syncline and could not be brought to schema version "
            f"{SCHEMA_VERSION}: {error} It is as it was; the older Syncline reads it."
        ) from error


def _take_steps(connection: Connection, where: str) -> int:
    found = schema_version(connection, where) or SCHEMA_VERSION
    for version in range(found, SCHEMA_VERSION):
        _STEPS[version](connection, where)
    connection.execute(update(SCHEMA).values(version=SCHEMA_VERSION))
    return found


def _to_2(connection: Connection, where: str) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN commit_id VARCHAR(64)"))
    connection.execute(text("ALTER TABLE runs ADD COLUMN dirty BOOLEAN"))
    connection.execute(text("CREATE INDEX runs_by_start ON runs (started)"))
    # Only the columns of version 1 are named: this step must outlive later versions.
    for run in connection.execute(text("SELECT id, payload, checksum FROM runs")).all():
        try:
            head = unpack(run.payload, run.checksum, f"Run {run.id} in {where}")
        except StoreError:
            continue  # it was damaged before, and is said to be when it is asked for
        machine = head.get("environment", {})
        connection.execute(
            text("UPDATE runs SET commit_id = :commit_id, dirty = :dirty WHERE id = :id"),
            {"id": run.id, "commit_id": machine.get("commit"), "dirty": machine.get("dirty")},
        )


_STEPS: Mapping[int, Callable[[Connection, str], None]] = {1: _to_2}


def _counts(connection: Connection) -> tuple[int | None, ...]:
    return tuple(
        connection.scalar(select(func.count()).select_from(table)) for table in (RUNS, TRIALS)
    )


def _rehearse(path: Path, where: str) -> None:
    """Takes the steps on a copy, checks what came, and keeps the store as it was."""
    with _copy(path, "before") as before, _copy(before, "trial") as trial:
        engine, _ = open_database(str(trial))
        with transaction(engine, f"{where} (a copy)") as connection:
            rows = _counts(connection)
            version = _take_steps(connection, where)
            if _counts(connection) != rows:
                raise StoreError("its copy lost rows on its way.")
        engine.dispose()
        _check(trial)
        kept = path.with_name(f"{path.name}.schema-{version}")
        if version < SCHEMA_VERSION and not kept.exists():
            _flush(before)
            before.replace(kept)


@contextlib.contextmanager
def _copy(path: Path, purpose: str) -> Iterator[Path]:
    """A copy of one instant, also while others write; gone afterwards."""
    copy = path.with_name(f"{path.name}.{purpose}-{os.getpid()}")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # so that it is one file
        yield copy
    finally:
        for rest in ("", "-wal", "-shm", "-journal"):
            copy.with_name(copy.name + rest).unlink(missing_ok=True)


def _flush(copy: Path) -> None:
    descriptor = os.open(copy, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()
    if said != ("ok",):
        raise StoreError(f"its copy is not whole afterwards ({said[0]}).")
