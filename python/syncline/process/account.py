"""Whom a server runs as when Syncline runs as root, and what that user can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine without rights, by its entry in the password database."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account for servers that refuse to run as root; None if we are not root anyway.

    ``postgres`` if the machine has it, else ``nobody``.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return None


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may enter every directory above ``path`` and read ``path`` itself."""
    path = path.resolve()
    if not all(_allows(account, above, stat.S_IXOTH) for above in path.parents):
        return False
    needed = stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    return _allows(account, path, needed)


def _allows(account: Account, path: Path, needed: int) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_uid == account.uid:
        needed <<= 6
    elif status.st_gid == account.gid:
        needed <<= 3
    return status.st_mode & needed == needed
