"""Who is running a run: a lock that ends with its holder, whatever ends the holder.

A run that the store calls ``running`` while nobody holds its lock was killed. Beside an SQLite
file the lock is a locked file, which the kernel unlocks at any death; on a server it is an
advisory lock of a connection, which the server lets go of when the connection ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from syncline.errors import StoreError
from syncline.mask import mask


class Lease(Protocol):
    """The right to run one run, held until :meth:`close` or death."""

    def close(self) -> None:
        """Gives it back."""


class FileLease:
    """A lease beside a store's file."""

    def __init__(self, path: Path):
        """Takes the lease.

        Raises:
            StoreError: another process has it, or the file cannot be made.
        """
        self._path = path
        try:
            path.parent.mkdir(exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"Cannot write {path}: {error.strerror}. Name another place with --store."
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreError(f"Another process is running {path.name}.") from error

    def close(self) -> None:
        """Gives it back and removes its file."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class ServerLease:
    """A lease on PostgreSQL; it holds a connection of its own."""

    def __init__(self, engine: Engine, run_id: str):
        """Takes the lease.

        Raises:
            StoreError: another process has it, or the server cannot be reached.
        """
        try:
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            taken = connection.scalar(select(func.pg_try_advisory_lock(_key(run_id))))
        except DBAPIError as error:
            raise StoreError(f"The store's server refused: {mask(str(error.orig))}") from error
        if not taken:
            connection.close()
            raise StoreError(f"Another process is running {run_id}.")
        self._connection = connection

    def close(self) -> None:
        """Gives it back with its connection, which may be lost already."""
        with contextlib.suppress(DBAPIError):
            self._connection.close()


def is_held(path: Path) -> bool:
    """Whether a living process has the lease of that file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # another user's, so not ours to declare dead
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_held_on_server(engine: Engine, run_id: str) -> bool:
    """Whether a living connection has the run's lease.

    Raises:
        StoreError: the server cannot be reached.
    """
    try:
        ServerLease(engine, run_id).close()
    except StoreError as error:
        if error.__cause__ is not None:
            raise
        return True
    return False


def _key(run_id: str) -> int:
    """A key of 64 bits with a sign, as the server wants it."""
    digest = hashlib.sha256(f"syncline run {run_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
