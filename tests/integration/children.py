"""Help for tests that start real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 20.0  # for what should come at once, on a machine that has other things to do

# A small ASGI application that tells its process's id.
APP = """
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""


def eventually(
    condition: Callable[[], bool], limit_s: float = LIMIT_S, every_s: float = 0.01
) -> bool:
    """Whether the condition comes true within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def alive(pids: Iterable[int]) -> list[int]:
    """Those that live; the dead that nobody has collected yet do not."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            pass
    return found


def family(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(below.pid for below in psutil.Process(pid).children(recursive=True))]


@contextmanager
def holder(
    program: str, env: Mapping[str, str], python: str = sys.executable
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A Python process that runs ``program``, prints one JSON line and then stays."""
    process = subprocess.Popen(
        [python, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, errors = process.communicate(timeout=LIMIT_S)
            raise AssertionError(f"the holder ended: {errors}")
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()
