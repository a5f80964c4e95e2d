"""A real Ray cluster of several nodes on this machine, and a service that counts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

NODES = 4


@dataclass
class Counting:
    """A service on loopback that knows what it was asked."""

    port: int = 0
    paths: list[str] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    """Of the open connections; one leaves when all that came by it is counted."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def counting() -> Iterator[Counting]:
    """The service, in a thread of its own."""
    service = Counting()
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                service.paths.append(head.split(b" ", 2)[1].decode())
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the load has ended
        finally:
            service.writers.discard(writer)
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    service.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield service
    finally:

        async def close() -> None:
            server.close()
            for writer in list(service.writers):
                writer.close()
            while service.writers:
                await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(close(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def cluster() -> Iterator[Any]:
    """Four nodes of one core each, the head among them, which ask for a token."""
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    before = dict(os.environ)
    os.environ.update(variables)
    from ray.cluster_utils import Cluster

    nodes = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        for _ in range(NODES - 1):
            nodes.add_node(wait=False, num_cpus=1)
        nodes.wait_for_nodes(timeout=120)
        yield nodes
    finally:
        nodes.shutdown()
        os.environ.clear()
        os.environ.update(before)


def gone(pids: list[int], within_s: float) -> bool:
    """Whether these processes end within that time."""
    return until(lambda: not any(map(_lives, pids)), within_s)


def until(holds: Callable[[], bool], within_s: float) -> bool:
    """Whether something comes true within that time."""
    end_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
