"""One client process, measured whole: its CPU, its memory, what it said."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil


class BenchmarkError(Exception):
    """A benchmark cannot be run here, or a client failed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process used from its start to its end, its own children included.

    Attributes:
        cpu_s: user and system time, as the kernel counted it at the end (``wait4``).
        peak_bytes: the highest resident set seen.
        foreign_share: of its core's time, what others used meanwhile, 0 to 1.
        output: what it wrote to standard output.
    """

    cpu_s: float
    peak_bytes: int
    foreign_share: float
    output: str


def cores() -> tuple[int, int]:
    """A core for the client and another for the server.

    Raises:
        BenchmarkError: this process may use one core only.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchmarkError("Two cores are needed, one for the client and one for the server.")
    return usable[0], usable[1]


def pinned(cpu: int, argv: Sequence[str]) -> list[str]:
    """The command on one core."""
    return ["taskset", "--cpu-list", str(cpu), *argv]


def run(argv: Sequence[str], cpu: int, within_s: float, good: Collection[int] = (0,)) -> Spent:
    """Run a program on one core to its end.

    Args:
        good: the exit statuses that are no failure.

    Raises:
        BenchmarkError: it failed, or did not end within ``within_s``.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began, busy_s = time.monotonic(), _busy_s(cpu)
        process = subprocess.Popen(
            pinned(cpu, argv),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
        watch = _PeakMemory(process.pid)
        watch.start()
        killer = threading.Timer(within_s, process.kill)
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            killer.cancel()
            watch.end()
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s, busy_s = time.monotonic() - began, _busy_s(cpu) - busy_s
        text, complaint = (_text(stream) for stream in (out, errors))
    if process.returncode not in good:
        raise BenchmarkError(
            f"{argv[0]} left with status {process.returncode}: {(complaint or text)[-500:]}"
        )
    cpu_s = usage.ru_utime + usage.ru_stime
    return Spent(cpu_s, watch.peak_bytes, max(0.0, busy_s - cpu_s) / wall_s, text)


def _busy_s(cpu: int) -> float:
    """What processes have used of a core since the machine started."""
    times = psutil.cpu_times(percpu=True)[cpu]
    return float(times.user + times.nice + times.system)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


class _PeakMemory(threading.Thread):
    """Reads a process's own high-water mark while it lives.

    ``ru_maxrss`` would do without a thread, but the kernel hands it down through ``exec``: a
    small C program started from Python shows Python's memory.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._status = Path(f"/proc/{pid}/status")
        self._over = threading.Event()

    def run(self) -> None:
        # The first readings come after taskset has become the client.
        while not self._over.wait(0.25):
            try:
                text = self._status.read_text()
            except OSError:
                return
            if found := re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE):
                self.peak_bytes = int(found[1]) * 1024

    def end(self) -> None:
        self._over.set()
        self.join()
