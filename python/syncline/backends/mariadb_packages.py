"""Debian's MariaDB packages, unpacked in the cache: no root, nothing installed on the system."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from syncline.backends.cache import cache_directory, cached
from syncline.errors import EnvironmentLackError
from syncline.process import Account, ChildSpec, Workspace, spawn, unprivileged

SERVER = "mariadb-server-core"
_PREFIX = "mariadb-packages-"
_QUESTION_LIMIT_S = 60.0
_DOWNLOAD_LIMIT_S = 600.0
_HELP = "Install a MariaDB server, or name a running one by its URL."


def fetch_mariadb(workspace: Workspace) -> Path:
    """Downloads the server and the libraries that this machine lacks, once; where they are.

    Call it with the user's consent only: about 8 MB through apt, which checks the signatures,
    and 60 MB in the cache. apt's settings say where from.

    Raises:
        EnvironmentLackError: this is no Debian or Ubuntu, apt knows no such package or cannot
            reach its source, or the disk is full.
    """
    if not all(map(shutil.which, ("apt-get", "apt-cache", "dpkg"))):
        raise EnvironmentLackError(f"MariaDB can be fetched on Debian and Ubuntu only. {_HELP}")
    facts = _run(("apt-cache", "show", "--no-all-versions", SERVER), workspace, _QUESTION_LIMIT_S)
    version = re.search(r"^Version: (\S+)$", facts, re.MULTILINE)
    machine = re.search(r"^Architecture: (\S+)$", facts, re.MULTILINE)
    if not version or not machine:
        raise EnvironmentLackError(
            f"apt knows no package {SERVER}. Run apt-get update as root, then try again. {_HELP}"
        )

    def fill(target: Path) -> None:
        scratch = workspace.directory("mariadb-packages")
        packages = (SERVER, *_missing_libraries(workspace))
        _run(("apt-get", "download", *packages), workspace, _DOWNLOAD_LIMIT_S, scratch)
        for package in sorted(scratch.glob("*.deb")):
            _run(("dpkg", "-x", str(package), str(target)), workspace, _QUESTION_LIMIT_S)
        shutil.rmtree(scratch, ignore_errors=True)
        # What a package says of its root directory's mode would make the cache others' to read.
        target.chmod(0o755)

    name = _PREFIX + re.sub(r"[^\w.+~-]", "_", f"{version[1]}-{machine[1]}")
    return cached(name, fill, workspace, reader=unprivileged())


def fetched(account: Account | None) -> Path | None:
    """What :func:`fetch_mariadb` left, the latest; None if it was not called yet."""
    base = cache_directory(account)
    found = list(base.glob(f"{_PREFIX}*")) if base else []
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _missing_libraries(workspace: Workspace) -> list[str]:
    """The libraries that apt would have to install with the server."""
    plan = ("apt-get", "install", "--simulate", "--no-install-recommends", SERVER)
    return re.findall(r"^Inst (lib\S+) ", _run(plan, workspace, _QUESTION_LIMIT_S), re.MULTILINE)


def _run(
    argv: tuple[str, ...], workspace: Workspace, limit_s: float, cwd: Path | None = None
) -> str:
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    spec = ChildSpec(argv, workspace, name="fetch", env=env, cwd=cwd or Path("/"))
    with spawn(spec) as child:
        status = child.wait(limit_s)
        log = child.log_tail(2000)
    if status != 0:
        happened = f"took over {limit_s:g} s" if status is None else f"ended with {status}"
        last = "\n".join(log.splitlines()[-8:])
        raise EnvironmentLackError(
            f"MariaDB could not be fetched: {argv[0]} {argv[1]} {happened}. {_HELP} "
            f"Its last words:\n{last}"
        )
    return log
