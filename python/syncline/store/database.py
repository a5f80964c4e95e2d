"""The database below the store: how SQLite is opened, and what its errors mean to a person."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from syncline.errors import StoreError
from syncline.mask import mask

BUSY_TIMEOUT_S = 10
_READS = "syncline_reads"


def open_database(place: str) -> tuple[Engine, Path | None]:
    """An engine for a path or a URL, and the file if it is SQLite's.

    Raises:
        StoreError: the URL is malformed, or the directory cannot be made.
    """
    if "://" not in place:
        path = Path(place).absolute()
        _make_directory(path)
        return _sqlite(path), path
    try:
        url = make_url(place)
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() != "sqlite":
            return create_engine(url, poolclass=NullPool), None
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"The store's URL {mask(place)!r} cannot be used: {error}. "
            "Give a file's path, sqlite:///PATH, or postgresql://… with psycopg installed."
        ) from error
    if not url.database or url.database == ":memory:":
        raise StoreError(f"The store's URL {place!r} names no file; give sqlite:///PATH.")
    return open_database(url.database)


@contextlib.contextmanager
def transaction(engine: Engine, where: str) -> Iterator[Connection]:
    """A transaction: all of it is committed at the end, or nothing.

    Raises:
        StoreError: the database refused, as one sentence of what to do.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(_sentence(error.orig, where)) from error
    except sqlite3.Error as error:  # from _on_connect, where SQLAlchemy does not translate
        raise StoreError(_sentence(error, where)) from error


@contextlib.contextmanager
def reading(engine: Engine, where: str) -> Iterator[Connection]:
    """One instant of the database, read without keeping any writer waiting.

    Raises:
        StoreError: the database refused, as one sentence of what to do.
    """
    with transaction(engine.execution_options(**{_READS: True}), where) as connection:
        yield connection


def _sqlite(path: Path) -> Engine:
    # A connection per transaction: transactions are seconds apart, and none is left open for
    # another runner, or a fork, to trip over.
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    # FULL, not WAL's usual NORMAL: with NORMAL a power loss takes back the last commits, and a
    # committed trial was minutes of work. The price is one fsync per trial.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: a second runner waits here, where waiting is safe,
    # and not at its first write, where SQLite must refuse it if another wrote in between.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = {
            errno.ENOSPC: "the disk is full",
            errno.EACCES: "no permission to write there",
            errno.EPERM: "no permission to write there",
            errno.EROFS: "the file system is read-only",
        }.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(
            f"Cannot make the store's directory {path.parent}: {reason}. "
            "Name another place with --store."
        ) from error


def _sentence(error: BaseException | None, where: str) -> str:
    lines = mask(str(error)).strip().splitlines()
    text = lines[0] if lines else "no reason given"
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    match primary:
        case sqlite3.SQLITE_FULL:
            what = "the disk is full. Free some space; earlier trials are whole."
        case sqlite3.SQLITE_IOERR:
            what = (
                f"the disk refused to write or read ({text}); is it full? Earlier trials are whole."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            what = (
                f"another process held it for over {BUSY_TIMEOUT_S} s. "
                "Wait for it, or name another place with --store."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            what = "no permission to write there. Name another place with --store."
        case sqlite3.SQLITE_CANTOPEN:
            what = (
                "it cannot be opened: no permission, or not a file. "
                "Name another place with --store."
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            what = f"it is not a whole SQLite database ({text}). Name another place with --store."
        case _:
            what = f"{text}."
    return f"The store {where}: {what}"
