"""The key-value server, in the test's own process or as a program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

from syncline_cases.entities.__main__ import connections
from syncline_cases.entities.hub import Hub
from syncline_cases.entities.limits import Limits
from syncline_cases.entities.options import parse
from syncline_cases.entities.server import Server
from syncline_cases.entities.store import Change, Store

PYTHON = Path(__file__).parents[2] / "python"
SHORT = Limits(idle_s=0.3, request_s=0.3, send_s=0.3, linger_s=0.2)
# A server's place of work, as options: the loop's own thread, some threads, one that gathers.
HANDLERS = {
    "blocking": (),
    "non-blocking": ("--threads", "4"),
    "group-commit": ("--threads", "1", "--durability", "group-commit"),
}


class MemoryStore:
    """A store without a disk, whose changes and reads can be held up."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()

    def store(self) -> Store:
        return Store(self._get, self._put, self._delete, self._write, lambda: None)

    def _wait(self) -> None:
        self.entered.release()
        assert self.open.wait(20)

    def _get(self, key: bytes) -> bytes | None:
        self._wait()
        return self.data.get(key)

    def _put(self, key: bytes, value: bytes) -> None:
        self._wait()
        self.data[key] = value

    def _delete(self, key: bytes) -> None:
        self._wait()
        self.data.pop(key, None)

    def _write(self, changes: Sequence[Change]) -> None:
        for key, value in changes:
            if value is None:
                self._delete(key)
            else:
                self._put(key, value)


class Serving:
    """A server in a thread of its own.

    Attributes:
        clean: after its end, whether every client was left in time.
    """

    def __init__(self, store: Store, arguments: Sequence[str], limits: Limits) -> None:
        self._arguments = [*arguments, "--data", "unused", "0"]
        self._store = store
        self._limits = limits
        self._ready: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.clean: bool | None = None
        self.port = self._ready.get(timeout=20)

    def ask_to_stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has stopped
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        uvloop.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        hub = Hub(self._limits)
        async with connections(parse(self._arguments), hub, self._store) as make:
            server = Server(hub, make, tick_s=0.05)
            await server.start("127.0.0.1", 0)
            self._ready.put(server.port)
            await self._stop.wait()
            self.clean = await server.stop(grace_s=10)


@contextlib.contextmanager
def serving(
    handler: str, memory: MemoryStore, *arguments: str, limits: Limits | None = None
) -> Iterator[Serving]:
    """A server on a free port, stopped at the end."""
    server = Serving(memory.store(), [*HANDLERS[handler], *arguments], limits or Limits())
    try:
        yield server
    finally:
        memory.open.set()
        server.ask_to_stop()
        server.join()


@contextlib.contextmanager
def started(
    *arguments: str, module: str = "syncline_cases.entities", code: str | None = None, **env: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program and its port, killed at the end if it still runs."""
    what = ("-m", module) if code is None else ("-c", code)
    process = subprocess.Popen(
        [sys.executable, *what, *arguments, "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PYTHON), **env},
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = re.search(r":(\d+)$", line)
        assert port is not None, line + process.stderr.read()
        yield process, int(port[1])
    finally:
        process.kill()
        process.communicate()
