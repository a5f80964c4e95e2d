"""The files of a private MariaDB: an installed or fetched server, an empty database."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from syncline.backends.cache import cached
from syncline.backends.mariadb_packages import fetched
from syncline.errors import EnvironmentLackError, ServiceStartError
from syncline.process import Account, ChildSpec, Workspace, can_reach, lack, spawn

_LAYOUT = 1  # raise it when the template is made otherwise
_LIMIT_S = 120.0
PLACES = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/libexec:/usr/local/mysql/bin"
# The server's own scripts for its system tables, in the order of mariadb-install-db. Left out:
# the help texts and the schema "sys", which take most of its time.
_SCRIPTS = ("system_tables", "performance_tables", "system_tables_data")
_GEOMETRY = "maria_add_gis_sp_bootstrap.sql"
_BEFORE = """CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket=NULL;
SET @skip_auth_anonymous=1;
"""
# The administrator comes in only through the Unix socket, whose directory admits its owner
# alone (the server looks up no names, so over TCP nobody is at "localhost"). max_connections
# holds for the ordinary user; the administrator has one place more.
_AFTER = """DELETE FROM mysql.global_priv WHERE User = '';
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';
DELETE FROM mysql.proxies_priv;
FLUSH PRIVILEGES;
CREATE DATABASE syncline CHARACTER SET utf8mb4;
CREATE USER syncline@'127.0.0.1';
GRANT ALL ON syncline.* TO syncline@'127.0.0.1';
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the server is, and of what version.

    Attributes:
        binary: the program ``mariadbd``.
        share: the directory with its messages and scripts.
        libraries: directories with libraries that the system does not have.
        version: its own word: ``10.11.19``.
        key: names the exact content.
        account: whom it runs as; None for ourselves.
    """

    binary: Path
    share: Path
    libraries: tuple[Path, ...]
    version: str
    key: str
    account: Account | None

    def argv(self, data: Path) -> tuple[str, ...]:
        """The server on a data directory; no option file of the machine is read."""
        return (
            str(self.binary),
            "--no-defaults",
            f"--datadir={data}",
            f"--basedir={self.share.parent.parent}",
            f"--lc-messages-dir={self.share}",
            f"--character-sets-dir={self.share / 'charsets'}",
            f"--tmpdir={data}",
        )

    def environment(self) -> dict[str, str]:
        """All that it is to see of ours."""
        return _environment(self.libraries)


def installation(account: Account | None, workspace: Workspace) -> Installation:
    """The server installed on the machine, else the one in the cache.

    Raises:
        EnvironmentLackError: there is none; the message says how to get one.
    """
    installed = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:{PLACES}")
    if installed:
        binary, root = Path(installed).resolve(), None
    elif root := fetched(account):
        binary = root / "usr/sbin/mariadbd"
    else:
        raise EnvironmentLackError(
            "No MariaDB server is on this machine. Install one (Debian, Ubuntu: apt-get install "
            "mariadb-server-core), have it fetched into Syncline's cache "
            "(syncline doctor --fetch mariadb), or name a running one by its URL."
        )
    share = _share(binary)
    for path in (binary, share):
        if account is not None and not can_reach(account, path):
            raise EnvironmentLackError(
                f"MariaDB runs as {account.name} and cannot read {path}. Let every user read it, "
                "or name a running MariaDB by its URL."
            )
    libraries = tuple(sorted({path.parent for path in root.rglob("lib*.so.*")})) if root else ()
    words = _run((str(binary), "--version"), libraries, account, workspace)
    version = re.search(r"Ver (\d+(?:\.\d+)+)\S*", words)
    status = binary.stat()
    number = version[1] if version else "unknown"
    key = f"{number}-{status.st_size}-{status.st_mtime_ns}"
    return Installation(binary, share, libraries, number, key, account)


def template(install: Installation, workspace: Workspace) -> Path:
    """An initialised data directory with the user and the database ``syncline``, to be copied.

    Raises:
        ServiceStartError: the server could not make it; the message holds its log's end.
    """

    def fill(target: Path) -> None:
        scratch = workspace.directory("mariadb-init", install.account)
        (scratch / "data").mkdir(mode=0o700)
        (scratch / "bootstrap.sql").write_text(_statements(install.share))
        if install.account is not None:
            os.chown(scratch / "data", install.account.uid, install.account.gid)
        # The log is the smallest there may be: a server makes its own at its first start.
        options = ("--bootstrap", "--innodb-log-file-size=4M", "--log-warnings=0")
        line = 'statements="$1"; shift; exec "$@" < "$statements"'
        shell = ("/bin/sh", "-c", line, "sh", str(scratch / "bootstrap.sql"))
        argv = (*shell, *install.argv(scratch / "data"), *options)
        _run(argv, install.libraries, install.account, workspace)
        copy_data(scratch / "data", target / "data", None)
        shutil.rmtree(scratch, ignore_errors=True)

    return cached(f"mariadb-template-{_LAYOUT}-{install.key}", fill, workspace) / "data"


def copy_data(source: Path, target: Path, owner: Account | None) -> None:
    """Copies a data directory; its files become the owner's, readable by it alone."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if owner is not None:
            os.chown(path, owner.uid, owner.gid)


def failure(what: str, log: str, place: Path) -> Exception:
    """The error for a server that failed, by what it said."""
    if "No space left on device" in log or "errno: 28" in log:
        return lack(OSError(28, "No space left on device"), "write MariaDB's data", place)
    if "error while loading shared libraries" in log:
        return EnvironmentLackError(f"{what}; a library is missing on this machine:\n{log}")
    return ServiceStartError(f"{what}. Its last words:\n{log}")


def _share(binary: Path) -> Path:
    prefix = binary.parent.parent
    for place in ("share/mysql", "share/mariadb", "share"):
        if (prefix / place / _GEOMETRY).is_file():
            return prefix / place
    raise EnvironmentLackError(
        f"{binary} has no {_GEOMETRY} beside it in {prefix}/share/mysql, so it is not whole. "
        "Install MariaDB's server package again, or name a running MariaDB by its URL."
    )


def _statements(share: Path) -> str:
    scripts = []
    for name in _SCRIPTS:
        paths = [share / f"{maker}_{name}.sql" for maker in ("mariadb", "mysql")]
        scripts.append(next((path for path in paths if path.is_file()), paths[-1]))
    parts = [path.read_text() for path in (*scripts, share / _GEOMETRY)]
    return "\n".join([_BEFORE, *parts, _AFTER])


def _environment(libraries: tuple[Path, ...]) -> dict[str, str]:
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    return {**env, "LD_LIBRARY_PATH": ":".join(map(str, libraries))} if libraries else env


def _run(
    argv: tuple[str, ...],
    libraries: tuple[Path, ...],
    account: Account | None,
    workspace: Workspace,
) -> str:
    spec = ChildSpec(
        argv,
        workspace,
        name="mariadb-init",
        env=_environment(libraries),
        account=account,
        cwd=Path("/"),
    )
    with spawn(spec) as child:
        status = child.wait(_LIMIT_S)
        log = child.log_tail(15)
    if status != 0:
        raise failure("MariaDB could not make its data directory", log, workspace.path)
    return log
