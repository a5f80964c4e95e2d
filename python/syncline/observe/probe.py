"""What the probes in a service's processes say, heard while it is loaded."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import syncline_probe
from syncline.observe.probe_series import ProcessSamples, combined, latest, single
from syncline.observe.probe_socket import ProbeSocket
from syncline.observe.probe_values import ProbeEvent, ProbeProcess, ProbeStacks
from syncline.outcome import Series

__all__ = ["ProbeEvent", "ProbeProcess", "ProbeReader", "ProbeStacks"]

_EVENTS = 2000
_PROCESSES = 256
_STACKS = 20
_DELAY_S = 60.0
_REQUESTS = "requests_total"


class _Process:
    def __init__(self, head: ProbeProcess) -> None:
        self.head = head
        self.samples = ProcessSamples()
        self.summary: dict[str, object] = {}


class ProbeReader:
    """Listens to the probes of one service. Ends with its ``with`` block.

    A service outlives a trial: :meth:`mark` sets the beginning of each load, from which times
    and counts are then given. All methods may be called while the load runs, by any thread.
    What a process sends is not trusted: it is bounded in number and size, and a sender that
    does not know the service's nonce, or sends anything but the protocol, is cut off.

    Args:
        folder: a directory of the run's, for the socket.
    """

    def __init__(self, folder: Path) -> None:
        self._nonce = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        self._start_s = time.monotonic()
        self._processes: dict[int, _Process] = {}
        self._by_connection: dict[int, int] = {}
        self._events: deque[tuple[float, int, dict[object, object]]] = deque(maxlen=_EVENTS)
        self._stacks: deque[tuple[float, int, dict[object, object]]] = deque(maxlen=_STACKS)
        self._asked_stacks = 0
        self._socket = ProbeSocket(
            Path(tempfile.mkdtemp(prefix="probe-", dir=folder)), self._handle, self._gone
        )
        # Whoever may enter the run's folder is one of its children; they know the nonce.
        self._socket.path.parent.chmod(0o711)

    def env(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """What to add to the environment of the service's processes.

        Args:
            base: where a PYTHONPATH to go before stands; Syncline's own environment if None.
        """
        entry = str(Path(syncline_probe.__file__).with_name("inject"))
        path = (os.environ if base is None else base).get("PYTHONPATH", "")
        return {
            "PYTHONPATH": f"{entry}{os.pathsep}{path}" if path else entry,
            "SYNCLINE_PROBE_SOCKET": str(self._socket.path),
            "SYNCLINE_PROBE_NONCE": self._nonce,
        }

    def mark(self, start_monotonic_ns: int) -> None:
        """A load begins, or began, at this reading of CLOCK_MONOTONIC: time 0 from now on."""
        with self._lock:
            self._start_s = start_monotonic_ns / 1e9
            for process in self._processes.values():
                process.samples.forget_before(self._start_s)
            for kept in (self._events, self._stacks):
                while kept and kept[0][0] < self._start_s:
                    kept.popleft()

    def series(self, *, by_process: bool = False) -> dict[str, Series]:
        """The series since the mark, such as ``probe.loop_lag_p99_ms``.

        Each is of all processes that serve; those that never had a request (a supervisor) are
        left out once another had one. Names that end in ``_total`` count from the mark.

        Args:
            by_process: with each process's own as well, as ``probe.loop_lag_p99_ms[4711]``.
        """
        with self._lock:
            found = combined((one.samples for one in self._chosen()), self._start_s)
            if by_process:
                for one in self._processes.values():
                    found |= single(one.samples, self._start_s, one.head.pid)
            return found

    def latest(self) -> dict[str, float]:
        """The newest value of each series, at the cost of a glance."""
        with self._lock:
            now_s = time.monotonic()
            return latest((one.samples for one in self._chosen()), self._start_s, now_s)

    def events(self) -> tuple[ProbeEvent, ...]:
        """The events since the mark, of at most the last 2000."""
        with self._lock:
            return tuple(
                ProbeEvent(
                    str(message.get("name", "")),
                    t_s - self._start_s,
                    pid,
                    {
                        str(key): value
                        for key, value in message.items()
                        if key not in ("kind", "t_s", "name")
                    },
                )
                for t_s, pid, message in self._events
                if t_s >= self._start_s
            )

    def processes(self) -> tuple[ProbeProcess, ...]:
        """All processes that have said hello, in that order."""
        with self._lock:
            return tuple(process.head for process in self._processes.values())

    def settings(self) -> dict[str, object]:
        """What the first process that serves was found set to, by hook; empty if none is."""
        processes = self.processes()
        chosen = [one for one in processes if one.served] or list(processes)
        return dict(chosen[0].settings) if chosen else {}

    def summaries(self) -> dict[int, dict[str, object]]:
        """By process, the last summary: ``routes`` and ``pools``; counts since it began."""
        with self._lock:
            return {pid: dict(one.summary) for pid, one in self._processes.items()}

    def stacks(self) -> tuple[ProbeStacks, ...]:
        """The stacks received since the mark, at most the last 20."""
        with self._lock:
            return tuple(
                ProbeStacks(
                    t_s - self._start_s,
                    pid,
                    str(message.get("reason", "")),
                    {str(key): message[key] for key in message if key not in ("kind", "t_s")},
                )
                for t_s, pid, message in self._stacks
            )

    def request_stacks(self, timeout_s: float = 1.0) -> tuple[ProbeStacks, ...]:
        """Asks all processes where they stand; the answers that came in time."""
        with self._lock:
            before = self._asked_stacks
        asked = self._socket.ask(b'{"ask":"stacks"}\n')
        with self._answered:
            self._answered.wait_for(lambda: self._asked_stacks - before >= asked, timeout_s)
            count = min(self._asked_stacks - before, _STACKS)
        return self.stacks()[-count:] if count else ()

    def ask(self, line: bytes) -> int:
        """Sends a request, a line of JSON, to all probes; how many it reached."""
        return self._socket.ask(line)

    def close(self) -> None:
        """Stops listening; what was heard stays to be asked for."""
        self._socket.close()
        self._socket.path.parent.rmdir()

    def __enter__(self) -> ProbeReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _chosen(self) -> list[_Process]:
        serving = [one for one in self._processes.values() if one.head.served]
        return serving or list(self._processes.values())

    def _handle(self, connection: int, message: dict[object, object]) -> bool:
        kind = message.get("kind")
        with self._lock:
            if kind == "hello":
                return self._hello(connection, message)
            pid = self._by_connection.get(connection)
            if pid is None:
                return False  # only who has said hello is heard
            self._take(self._processes[pid], str(kind), message)
            return True

    def _hello(self, connection: int, message: dict[object, object]) -> bool:
        pid, ppid = message.get("pid"), message.get("ppid")
        nonce = message.get("nonce")
        if not isinstance(nonce, str) or not secrets.compare_digest(
            nonce.encode(), self._nonce.encode()
        ):
            return False
        if not isinstance(pid, int) or not isinstance(ppid, int):
            return False
        if pid not in self._processes:
            if len(self._processes) >= _PROCESSES:
                return False
            head = ProbeProcess(
                pid,
                ppid,
                tuple(map(str, _list(message.get("argv"))))[:100],
                str(message.get("python", ""))[:20],
                _texts(message.get("versions")),
            )
            self._processes[pid] = _Process(head)
        process = self._processes[pid]
        process.head = replace(process.head, alive=True)
        self._by_connection[connection] = pid
        return True

    def _take(self, process: _Process, kind: str, message: dict[object, object]) -> None:
        t_s, pid = _plausible(message.get("t_s")), process.head.pid
        if kind == "sample":
            values = message.get("values")
            if isinstance(values, dict):
                process.samples.add(t_s, values)
                if not process.head.served and process.samples.last(_REQUESTS):
                    process.head = replace(process.head, served=True)
        elif kind == "event":
            self._events.append((t_s, pid, message))
        elif kind == "settings":
            kept = {
                str(key): value
                for key, value in message.items()
                if key not in ("kind", "t_s", "versions")
            }
            versions = _texts(message.get("versions")) or process.head.versions
            process.head = replace(process.head, settings=kept, versions=versions)
        elif kind == "summary":
            process.summary = {str(key): message[key] for key in message if key != "kind"}
        elif kind == "stacks":
            self._stacks.append((t_s, pid, message))
            if message.get("reason") == "asked":
                self._asked_stacks += 1
                self._answered.notify_all()

    def _gone(self, connection: int) -> None:
        with self._lock:
            pid = self._by_connection.pop(connection, None)
            if pid is not None:
                process = self._processes[pid]
                process.head = replace(process.head, alive=False)


def _plausible(at: object) -> float:
    """An instant as it was told, unless it is none of the last minute; then now."""
    now_s = time.monotonic()
    if isinstance(at, int | float) and now_s - _DELAY_S <= at <= now_s:
        return float(at)
    return now_s


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {str(key)[:100]: str(text)[:100] for key, text in items}
