"""MariaDB: a private server, installed or fetched, or the user's own by URL."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from syncline.backends.backend import Backend
from syncline.backends.mariadb_files import (
    Installation,
    copy_data,
    failure,
    installation,
    template,
)
from syncline.errors import EnvironmentLackError, UsageError
from syncline.mask import mask
from syncline.process import (
    Account,
    Child,
    ChildSpec,
    Workspace,
    can_reach,
    free_port,
    lack,
    listening_ports,
    spawn,
    unprivileged,
)

NAME = "mariadb"
VARIABLE = "DATABASE_URL"
USER = DATABASE = "syncline"

# As MariaDB ships: a commit is on the disk when it is acknowledged. Stated, since the price of
# an insert hangs on them; a variant may set them otherwise.
DURABILITY = {"innodb_flush_log_at_trx_commit": "1", "innodb_doublewrite": "ON"}

_OURS = frozenset(
    {
        *("port", "bind_address", "socket", "skip_networking", "skip_name_resolve", "user"),
        *("datadir", "basedir", "tmpdir", "pid_file", "log_error", "bootstrap", "plugin_dir"),
        *("skip_grant_tables", "lc_messages_dir", "character_sets_dir"),
    }
)
_ATTEMPTS = 5
_START_LIMIT_S = 30.0
_PAUSE_S = 0.01  # between looks at the server's port; its death ends it at once
_NEEDED_BYTES = 300 * 2**20  # the data directory, a log of 96 MiB, temporary tables
_SOCKET_PATH_LIMIT = 90  # of 107 bytes; the rest is the socket's own name
_URL_TIMEOUT_S = 5


def start(settings: Mapping[str, str], workspace: Workspace) -> Backend:
    """A private server with these settings (``--name=value``); see ``backends.provide``.

    ``url`` is for the ordinary user ``syncline``, who has the database ``syncline`` and may take
    ``max_connections`` connections. ``admin_url`` (user ``root``, Unix socket) has one more.
    """
    _check_names(settings)
    began = time.monotonic()
    account = unprivileged()
    if account is not None and not can_reach(account, workspace.path.parent):
        raise EnvironmentLackError(
            f"MariaDB runs as {account.name} and cannot enter {workspace.path.parent}. "
            "Name a directory in SYNCLINE_TMPDIR that every user can enter."
        )
    _check_room(workspace.path)
    install = installation(account, workspace)
    source = template(install, workspace)
    made = {**DURABILITY, **settings}
    for attempt in range(1, _ATTEMPTS + 1):
        home = _home(source, account, workspace)
        port = free_port()
        child = _launch(install, home, port, made, workspace)
        try:
            if _await_ready(child, port):
                _check_heeded(child.log_tail(60))
                break
            log = child.log_tail(30)
            if "Address already in use" not in log or attempt == _ATTEMPTS:
                raise _failure(log, workspace.path)
        except BaseException:
            child.stop()
            raise
        child.stop(0)
    return Backend(
        name=NAME,
        url=f"mysql://{USER}@127.0.0.1:{port}/{DATABASE}",
        version=install.version,
        variable=VARIABLE,
        settings=made,
        admin_url=_admin_url(home),
        start_s=time.monotonic() - began,
        child=child,
    )


def adopt(url: str, settings: Mapping[str, str]) -> Backend:
    """The user's server, MariaDB or MySQL, if it answers and has these settings already."""
    _check_names(settings)
    if not re.match(r"(mysql|mariadb)(\+\w+)?://", url):
        raise UsageError(
            f"{mask(url)} is no MariaDB or MySQL URL; write mysql://USER:PASSWORD@HOST:PORT/NAME."
        )
    try:
        import pymysql
    except ImportError as error:
        raise EnvironmentLackError(
            "Asking a MariaDB by URL needs PyMySQL; install it with pip install 'syncline[cases]'."
        ) from error
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        target = make_url(url).set(drivername="mysql+pymysql")
        limits = {"connect_timeout": _URL_TIMEOUT_S, "read_timeout": _URL_TIMEOUT_S}
        engine = create_engine(target, connect_args=limits, poolclass=NullPool)
        with engine.connect() as connection:
            version = str(connection.scalar(text("SELECT VERSION()")))
            for name, wanted in settings.items():
                question = text("SHOW GLOBAL VARIABLES WHERE Variable_name = :name")
                row = connection.execute(question, {"name": _plain(name)}).first()
                if row is None:
                    raise UsageError(f"The server at {mask(url)} has no setting {name}.")
                if str(row[1]).lower() != wanted.lower():
                    raise UsageError(
                        f"The server at {mask(url)} has {name} = {row[1]}, and the variant needs "
                        f"{wanted}. Set it there: Syncline sets it only on a server of its own."
                    )
    except (SQLAlchemyError, pymysql.MySQLError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise EnvironmentLackError(f"The server at {mask(url)} cannot be used: {reason}") from error
    number = version.split("-")[0]
    return Backend(NAME, url, number, VARIABLE, settings=dict(settings))


def _home(data: Path, account: Account | None, workspace: Workspace) -> Path:
    """A fresh directory with the data and, for the socket, ``run``."""
    home = workspace.directory(NAME, account)
    try:
        copy_data(data, home / "data", account)
        (home / "run").mkdir(mode=0o700)
        if account is not None:
            os.chown(home / "run", account.uid, account.gid)
    except OSError as error:
        shutil.rmtree(home, ignore_errors=True)
        raise lack(error, "write MariaDB's data", workspace.path) from error
    return home


def _launch(
    install: Installation, home: Path, port: int, settings: Mapping[str, str], workspace: Workspace
) -> Child:
    ours = {
        "bind-address": "127.0.0.1",
        "port": str(port),
        "socket": str(_socket(home) or ""),
        "pid-file": str(home / "run" / "pid"),
        "skip-name-resolve": "ON",
    }
    options = [f"--{name}={value}" for name, value in {**settings, **ours}.items()]
    return spawn(
        ChildSpec(
            argv=(*install.argv(home / "data"), *options),
            workspace=workspace,
            name=NAME,
            env=install.environment(),
            cwd=home if install.account is None else Path("/"),
            account=install.account,
            umask=0o077,
            stop_signal=signal.SIGTERM,
            stop_grace_s=5.0,
            orphan_grace_s=1.5,
            cleanup=(home,),
        )
    )


def _await_ready(child: Child, port: int) -> bool:
    """Waits for the greeting on a port that is our child's; False if it ended or took too long.

    The server speaks first (MariaDB's "initial handshake packet"), and not before it is ready.
    """
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if child.wait(_PAUSE_S) is not None:
            return False
        if port not in listening_ports(child.pids()):
            continue
        left = max(_PAUSE_S, deadline - time.monotonic())
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=left) as connection,
        ):
            if connection.recv(5):
                return True
    return False


def _check_heeded(log: str) -> None:
    """What the server was told and silently changed is an error: the figures would hang on it."""
    if changed := re.search(r"option '([^']+)': .*?value (\S+) adjusted to (\S+)", log):
        raise UsageError(
            f"MariaDB refuses {changed[1]} = {changed[2]}: it would take {changed[3]}."
        )
    if cut := re.search(r"max_connections: (\d+) \(was (\d+)\)", log):
        raise EnvironmentLackError(
            f"MariaDB can have {cut[1]} connections of {cut[2]} with the open files that are "
            "allowed here. Raise the limit (ulimit -n) and try again."
        )


def _failure(log: str, place: Path) -> Exception:
    for message in re.findall(r"\[ERROR\] (.*)", log):
        if re.search(r"unknown (variable|option)|Unknown suffix|setting value", message):
            return UsageError(f"MariaDB refuses a setting: {message}")
    return failure("MariaDB did not start", log, place)


def _check_names(settings: Mapping[str, str]) -> None:
    for name in settings:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise UsageError(f"{name!r} is no name of a MariaDB setting.")
        if _plain(name) in _OURS:
            raise UsageError(f"MariaDB's {name} is Syncline's to set; leave it out.")


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _check_room(place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < _NEEDED_BYTES:
        raise EnvironmentLackError(
            f"{place.parent} has {free >> 20} MiB left, and a MariaDB needs "
            f"{_NEEDED_BYTES >> 20}. Free some space or name another place in SYNCLINE_TMPDIR."
        )


def _socket(home: Path) -> Path | None:
    path = home / "run" / "mariadb.sock"
    return path if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT else None


def _admin_url(home: Path) -> str | None:
    path = _socket(home)
    return f"mysql://root@localhost/{DATABASE}?unix_socket={path}" if path else None
