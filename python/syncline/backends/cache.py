"""Files that are made once per machine and user: servers' binaries, an empty database."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from syncline.process import Account, Workspace, can_reach, lack

_ABANDONED_S = 3600.0


def cached(
    name: str, fill: Callable[[Path], None], workspace: Workspace, reader: Account | None = None
) -> Path:
    """The directory ``name`` of the cache, filled by ``fill`` if it is not there yet.

    It appears whole or not at all, under whatever number of runs. ``name`` must tell the
    content's version. It is in the first of these that nobody but us and root can write:
    ``$SYNCLINE_CACHE_DIR``, ``syncline`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, a
    directory under the system's temporary one; without any, in the workspace, for one run.

    Args:
        reader: who must be able to read it, if not only we.

    Raises:
        EnvironmentLackError: the disk is full.
    """
    base = cache_directory(reader) or workspace.path
    final = base / name
    if final.is_dir():
        return final
    try:
        _remove_abandoned(base)
        fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=base))
        try:
            fill(fresh)
            fresh.chmod(0o755 if reader else 0o700)
            os.sync()  # the name must not outlive a power loss that the content does not
            with contextlib.suppress(FileExistsError):
                fresh.rename(final)
        except OSError as error:
            if not final.is_dir():  # else another run was first
                raise lack(error, "fill the cache", base) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise lack(error, "fill the cache", base) from error
    return final


def cache_directory(reader: Account | None = None) -> Path | None:
    """The place of the cache; None if no place is safe from others and open to the reader."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    candidates = [Path(home) / "syncline"]
    with contextlib.suppress(OSError):
        candidates.append(Path(tempfile.gettempdir()) / f"syncline-cache-{os.geteuid()}")
    if named := os.environ.get("SYNCLINE_CACHE_DIR"):
        candidates.insert(0, Path(named))
    for path in candidates:
        with contextlib.suppress(OSError):
            if reader is not None and path.parent.is_dir() and not can_reach(reader, path.parent):
                continue
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
            if is_safe(path) and (reader is None or can_reach(reader, path)):
                return path
    return None


def is_safe(path: Path) -> bool:
    """Whether only we and root can put or swap anything at this directory.

    It must be ours and writable by us alone; each directory above must be ours or root's and
    writable by its owner alone, or sticky, so that others cannot rename what is in it.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or _is_open(status):
        return False
    for above in path.resolve().parents:
        status = above.stat()
        if status.st_uid not in (0, os.geteuid()):
            return False
        if _is_open(status) and not status.st_mode & stat.S_ISVTX:
            return False
    return True


def _is_open(status: os.stat_result) -> bool:
    return bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _remove_abandoned(base: Path) -> None:
    for path in base.glob(".*-*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < time.time() - _ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)
