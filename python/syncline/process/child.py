"""Children that end with Syncline, whatever ends Syncline: each has a guard of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from syncline.errors import EnvironmentLackError
from syncline.process.account import Account
from syncline.process.logs import read_log, tail_of
from syncline.process.workspace import Workspace, lack

_GUARD = Path(__file__).with_name("guard.py")
_NONCE = "SYNCLINE_CHILD"
_GUARD_LIMIT_S = 15.0  # over the grace: how long a guard may take to end a tree


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What is to run, as what, and how it is ended.

    Attributes:
        argv: the program, looked up on the PATH of ``env``, and its arguments; never a shell.
        workspace: the run's directory; the child's log is in it.
        name: what messages and file names call it.
        env: the whole environment; a random ``SYNCLINE_CHILD`` is added to it.
        cwd: the working directory; Syncline's own if None.
        account: the user to become, if Syncline is root; None stays the same user.
        cpus: the only processors it may use; empty means all.
        umask: of the files it makes.
        stop_signal: what asks it to end.
        stop_grace_s: how long it may then take before its tree is killed.
        orphan_grace_s: the same if Syncline itself has ended.
        cleanup: directories that are removed once its tree has ended.
        log_head_bytes, log_tail_bytes: how much of the beginning and of the end of its
            output is kept.
    """

    argv: tuple[str, ...]
    workspace: Workspace
    name: str = "child"
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    account: Account | None = None
    cpus: tuple[int, ...] = ()
    umask: int = 0o022
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_s: float = 3.0
    orphan_grace_s: float = 1.0
    cleanup: tuple[Path, ...] = ()
    log_head_bytes: int = 256 * 1024
    log_tail_bytes: int = 1024 * 1024


class Child:
    """A running child with its guard; see :func:`spawn`. Any thread may use it.

    Its tree ends with :meth:`stop`, when the ``with`` block or Syncline ends, and when the
    value itself is garbage. It does not end with the thread that started it.

    Attributes:
        spec: what was asked.
        pid: of the child, not of its guard.
        log_path: where its output goes; bounded, so read it with :meth:`log_tail`.
    """

    def __init__(
        self,
        spec: ChildSpec,
        pid: int,
        log_path: Path,
        guard: subprocess.Popen[bytes],
        events: _Events,
        nonce: str,
    ) -> None:
        self.spec = spec
        self.pid = pid
        self.log_path = log_path
        self._guard = guard
        self._events = events
        self._nonce = nonce
        self._status: int | None = None
        self._last_words: str | None = None
        self._done = False
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The child's exit status, negative for a signal; None while it lives."""
        return self.wait(0)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Waits for the child's end; its exit status, or None if the time ran out first."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self._status is None:
            left = -1 if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._lock.acquire(timeout=left):
                return self._status
            try:
                if self._status is None and not self._take(None if left < 0 else left):
                    return self._status
            finally:
                self._lock.release()
        return self._status

    def fileno(self) -> int:
        """A descriptor that is readable when :meth:`poll` may have news; for ``select``."""
        return self._events.socket.fileno()

    def pids(self) -> tuple[int, ...]:
        """The live processes of the child's tree, itself and daemons included, guard excluded."""
        if self._done:
            return ()
        try:
            below = psutil.Process(self._guard.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return ()
        return tuple(process.pid for process in below if _is_live(process))

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its output, standard output and error together."""
        if self._last_words is not None:
            return tail_of(self._last_words, lines)
        return tail_of(read_log(self.log_path), lines)

    def stop(self, grace_s: float | None = None) -> int | None:
        """Ends the whole tree and removes what the specification says; may be called again.

        Args:
            grace_s: instead of the specification's ``stop_grace_s``.

        Returns:
            The child's exit status; None if it is unknown or the kernel holds it.
        """
        grace_s = self.spec.stop_grace_s if grace_s is None else grace_s
        # Before the lock: a thread in wait() holds it until the child ends.
        self._events.send(signal=int(self.spec.stop_signal), grace_s=grace_s)
        with self._lock:
            if self._last_words is not None:
                return self._status
            limit = time.monotonic() + grace_s + _GUARD_LIMIT_S
            while not self._done and self._take(max(0.0, limit - time.monotonic())):
                pass
            self._done = True
            self._last_words = read_log(self.log_path)
            self._events.socket.close()
            try:
                self._guard.wait(1)
            except subprocess.TimeoutExpired:
                self._guard.kill()
                self._guard.wait()
            return self._status

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take(self, timeout_s: float | None) -> bool:
        """Takes one event if one comes in time; whether the caller should go on."""
        if self._done:
            return False
        event = self._events.next(timeout_s)
        if event is None:
            return False
        if event["event"] == "exit":
            self._status = event["status"]
        elif event["event"] == "done":
            self._done = True
        else:  # the guard itself was killed: its death has killed the child, not all below
            self._status = -int(signal.SIGKILL) if self._status is None else self._status
            self._done = True
            _kill_marked(self._nonce)
        return True


def spawn(spec: ChildSpec) -> Child:
    """Starts a child under a guard of its own, which ends its tree when Syncline ends.

    Raises:
        EnvironmentLackError: the program cannot be executed, or there is no room for its log.
    """
    directory = spec.workspace.directory(f"{spec.name}-log")
    nonce = secrets.token_hex(16)
    ours, theirs = socket.socketpair()
    lock = spec.workspace.lock
    argv = [sys.executable, "-I", "-S", str(_GUARD), str(theirs.fileno()), str(lock)]
    try:
        with theirs, (directory / "guard").open("wb") as complaints:
            guard = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                cwd="/",
                pass_fds=(theirs.fileno(), lock),
                start_new_session=True,
            )
    except OSError as error:
        ours.close()
        raise lack(error, f"start the guard of {spec.name}", directory) from error
    events = _Events(ours)
    log_path = directory / "log"
    events.send(**_order(spec, log_path, nonce))
    first = events.next(None) or {}
    if first.get("event") != "started":
        ours.close()
        guard.wait()
        reason = first.get("text") or (directory / "guard").read_text(errors="replace").strip()
        raise EnvironmentLackError(f"Cannot start {spec.name} ({spec.argv[0]}): {reason}.")
    return Child(spec, first["pid"], log_path, guard, events, nonce)


class _Events:
    """The guard's JSON lines."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._received = b""

    def send(self, **message: object) -> None:
        with contextlib.suppress(OSError):  # a dead guard is noticed when reading
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def next(self, timeout_s: float | None) -> dict[str, Any] | None:
        """The next event; None if the time ran out; ``{"event": "lost"}`` if the guard died."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        while b"\n" not in self._received:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not poller.poll(None if left is None else left * 1000):
                return None
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                return {"event": "lost"}
            self._received += data
        line, self._received = self._received.split(b"\n", 1)
        event: dict[str, Any] = json.loads(line)
        return event


def _order(spec: ChildSpec, log_path: Path, nonce: str) -> dict[str, object]:
    env = {**spec.env, _NONCE: nonce}
    return {
        "argv": [_decoded(item) for item in spec.argv],
        "env": {_decoded(name): _decoded(value) for name, value in env.items()},
        "cwd": _decoded(os.fspath(spec.cwd or Path.cwd())),
        "uid": spec.account.uid if spec.account else None,
        "gid": spec.account.gid if spec.account else None,
        "cpus": list(spec.cpus),
        "umask": spec.umask,
        "stop_signal": int(spec.stop_signal),
        "orphan_grace_s": spec.orphan_grace_s,
        "cleanup": [os.fspath(path) for path in spec.cleanup],
        "log": os.fspath(log_path),
        "log_head_bytes": spec.log_head_bytes,
        "log_tail_bytes": spec.log_tail_bytes,
        "workspace": os.fspath(spec.workspace.path),
        "lock": spec.workspace.lock,
        "parent": os.getpid(),
    }


def _decoded(text: str) -> str:
    """The text such that the guard, in whatever locale, finds the same bytes."""
    if "\0" in text:
        raise EnvironmentLackError(f"{text[:40]!r} holds a NUL, which no process can be given.")
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _is_live(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill_marked(nonce: str) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_NONCE) == nonce:
                process.kill()
