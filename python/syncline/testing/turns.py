"""One load at a time on this machine, whichever worker process of whichever test run asks."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncline.errors import EnvironmentLackError


def lock_file() -> Path:
    """This user's, so that two loads of two test runs do not measure each other."""
    return Path(tempfile.gettempdir()) / f"syncline-loads-{os.getuid()}.lock"


@contextmanager
def turn(path: Path | None = None) -> Iterator[None]:
    """Waits until no other load of this user is under way, and keeps others waiting meanwhile.

    The lock goes with the process that holds it, however that one ends.

    Raises:
        EnvironmentLackError: the file cannot be made, or is not this user's.
    """
    place = path or lock_file()
    try:
        # Anybody may put a link there: where it leads is not followed.
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentLackError(
            f"{place} cannot be opened, by which loads wait for each other: {error.strerror}."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
