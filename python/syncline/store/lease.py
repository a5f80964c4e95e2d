"""Who is running a run: a locked file beside the store, which the kernel unlocks at any death.

A run that the store calls ``running`` while nobody holds its lock was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from syncline.errors import StoreError


class Lease:
    """The right to run one run, held until :meth:`close` or death."""

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
