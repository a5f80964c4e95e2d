"""Files written so that a reader, and a crash, meets the old one or the new one, whole."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from pathlib import Path

from syncline.errors import EnvironmentLackError, UsageError

STDOUT = "-"


def check_writable(name: str, option: str) -> None:
    """Refuses before a run what could not be written after it.

    Raises:
        UsageError: the name is a directory's.
        EnvironmentLackError: its directory is missing or may not be written to.
    """
    if name == STDOUT:
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{option} {name} is a directory; name a file in it.")
    if not path.parent.is_dir():
        raise EnvironmentLackError(f"{option}: the directory {path.parent} does not exist.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise EnvironmentLackError(f"{option}: no permission to write {name}.")


def make_directory(name: str, option: str) -> Path:
    """The directory, made if it is missing.

    Raises:
        EnvironmentLackError: it cannot be made or may not be written to.
    """
    path = Path(name)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentLackError(f"{option}: cannot make {name}: {_reason(error)}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise EnvironmentLackError(f"{option}: no permission to write in {name}.")
    return path


def write_text(name: str | Path, text: str) -> None:
    """Writes a file atomically, or ``-``: standard output; a device or pipe is written as it is.

    Raises:
        EnvironmentLackError: it could not be written; a file that was there is as it was.
    """
    if name == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    write_bytes(name, text.encode("utf-8"))


def append_text(name: str | Path, text: str) -> None:
    """Adds to a file that others add to as well, such as GitHub's summary of a step.

    Raises:
        EnvironmentLackError: it could not be written.
    """
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EnvironmentLackError(f"{name} could not be written: {_reason(error)}.") from error


def write_bytes(name: str | Path, data: bytes) -> None:
    """Writes a file atomically; a device or pipe is written as it is.

    Raises:
        EnvironmentLackError: it could not be written; a file that was there is as it was.
    """
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data)
    except OSError as error:
        raise EnvironmentLackError(f"{path} could not be written: {_reason(error)}.") from error


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    # The rename itself is on the disk only once its directory is.
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    return error.strerror or str(error)
