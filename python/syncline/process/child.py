"""Children that end with Syncline, whatever ends Syncline: each has a guard of its own."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

import psutil

from syncline.errors import EnvironmentLackError
from syncline.process.logs import read_log, tail_of
from syncline.process.spec import NONCE, ChildSpec, order
from syncline.process.wire import Wire
from syncline.process.workspace import lack

_GUARD = Path(__file__).with_name("guard.py")
_GUARD_LIMIT_S = 15.0  # over the grace: how long a guard may take to end a tree


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
        wire: Wire,
        nonce: str,
    ) -> None:
        self.spec = spec
        self.pid = pid
        self.log_path = log_path
        self._guard = guard
        self._wire = wire
        self._nonce = nonce
        self._status: int | None = None
        self._last_words: str | None = None
        self._log_lost = ""
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
        return self._wire.socket.fileno()

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
        """The last lines of its output, standard output and error together.

        A line more says so if output was lost because the log could not be written.
        """
        log = read_log(self.log_path) if self._last_words is None else self._last_words
        tail = tail_of(log, lines)
        return (
            f"{tail}\n[output was lost from here on: {self._log_lost}]" if self._log_lost else tail
        )

    def stop(self, grace_s: float | None = None) -> int | None:
        """Ends the whole tree and removes what the specification says; may be called again.

        Args:
            grace_s: instead of the specification's ``stop_grace_s``.

        Returns:
            The child's exit status; None if it is unknown or the kernel holds it.
        """
        grace_s = self.spec.stop_grace_s if grace_s is None else grace_s
        # Before the lock: a thread in wait() holds it until the child ends.
        self._wire.send(signal=int(self.spec.stop_signal), grace_s=grace_s)
        with self._lock:
            if self._last_words is not None:
                return self._status
            limit = time.monotonic() + grace_s + _GUARD_LIMIT_S
            while not self._done and self._take(max(0.0, limit - time.monotonic())):
                pass
            self._done = True
            self._last_words = read_log(self.log_path)
            self._wire.socket.close()
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
        event = self._wire.next(timeout_s)
        if event is None:
            return False
        if event["event"] == "exit":
            self._status = event["status"]
        elif event["event"] == "log-lost":
            self._log_lost = event["text"]
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
    wire = Wire(ours)
    log_path = directory / "log"
    wire.send(**order(spec, log_path, nonce))
    first = wire.next(None) or {}
    if first.get("event") != "started":
        ours.close()
        guard.wait()
        reason = first.get("text") or (directory / "guard").read_text(errors="replace").strip()
        raise EnvironmentLackError(f"Cannot start {spec.name} ({spec.argv[0]}): {reason}.")
    return Child(spec, first["pid"], log_path, guard, wire, nonce)


def _is_live(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill_marked(nonce: str) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(NONCE) == nonce:
                process.kill()
