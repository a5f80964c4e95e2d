"""The temporary directory of one run, which the next run removes if this one could not."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType

from syncline.errors import EnvironmentLackError
from syncline.process.account import Account

PREFIX = "syncline-run-"
_NEW_PREFIX = "syncline-new-"  # until its lock is held; then it is renamed
_NEW_AGE_S = 600.0


class Workspace:
    """A run's own directory, under ``$SYNCLINE_TMPDIR`` or the system's temporary directory.

    Its file ``lock`` is locked (flock) for as long as this process or a guard of one of its
    children lives, so a directory whose lock can be had is a dead run's.

    Attributes:
        path: the directory.
        lock: the descriptor of the locked file, which guards inherit.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock
        self._closed = False

    @classmethod
    def open(cls) -> Workspace:
        """A fresh directory, after the directories of dead runs of this user were removed.

        Raises:
            EnvironmentLackError: the place does not exist, is not ours to write, or is full.
        """
        base = _base()
        remove_stale(base)
        try:
            path = Path(tempfile.mkdtemp(prefix=_NEW_PREFIX, dir=base))
            # Root's children may run as another user, who must get through to their part.
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)  # a sweeping run may hold it for a moment
            final = path.with_name(PREFIX + path.name.removeprefix(_NEW_PREFIX))
            path.rename(final)
        except OSError as error:
            raise lack(error, "make a directory for the run", base) from error
        return cls(final, lock)

    def directory(self, name: str, owner: Account | None = None) -> Path:
        """A fresh directory in the workspace, of mode 0700, named ``name-…``.

        Args:
            owner: to whom it shall belong, if Syncline is root.

        Raises:
            EnvironmentLackError: the disk is full or the place was taken away.
        """
        try:
            path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.path))
            if owner is not None:
                os.chown(path, owner.uid, owner.gid)
        except OSError as error:
            raise lack(error, f"make a directory for {name}", self.path) from error
        return path

    def close(self) -> None:
        """Removes the directory with all that is in it. End the children first."""
        if not self._closed:
            self._closed = True
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self.lock)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def remove_stale(base: Path) -> tuple[Path, ...]:
    """Removes the workspaces under ``base`` that are ours and no living run's; which ones."""
    removed = []
    for prefix in (PREFIX, _NEW_PREFIX):
        for path in sorted(base.glob(f"{prefix}*")):
            with contextlib.suppress(FileNotFoundError):  # another run sweeps, too
                if _is_ours(path) and _is_dead(path):
                    shutil.rmtree(path, ignore_errors=True)
                    removed.append(path)
    return tuple(removed)


def lack(error: OSError, doing: str, path: Path) -> EnvironmentLackError:
    """The error in one sentence that says what was being done, where, and what would help."""
    what = f"Cannot {doing} in {path}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EnvironmentLackError(
            f"{what}: the disk is full. Free some space there, or name another place "
            "in SYNCLINE_TMPDIR."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EnvironmentLackError(
            f"{what}: no permission to write there. Name a directory of yours in SYNCLINE_TMPDIR."
        )
    return EnvironmentLackError(
        f"{what}: {error.strerror or error}. Name another place in SYNCLINE_TMPDIR."
    )


def _base() -> Path:
    named = os.environ.get("SYNCLINE_TMPDIR", "")
    if not named:
        try:
            return Path(tempfile.gettempdir())
        except OSError as error:
            raise EnvironmentLackError(
                "No temporary directory can be written (TMPDIR, /tmp, /var/tmp): is the disk "
                "full? Free some space, or name another place in SYNCLINE_TMPDIR."
            ) from error
    base = Path(named).absolute()
    if not base.is_dir():
        raise EnvironmentLackError(
            f"SYNCLINE_TMPDIR names {base}, which is no directory. Create it or name another."
        )
    return base


def _is_ours(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _is_dead(path: Path) -> bool:
    try:
        lock = os.open(path / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        lock = -1
    try:
        if lock >= 0:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        if lock >= 0:
            os.close(lock)
    # One that is just being made has its lock in a moment.
    return path.name.startswith(PREFIX) or path.lstat().st_mtime < time.time() - _NEW_AGE_S
