"""A worker owns a connection until it closes: the classic hand-over through a queue.

Fault: with keep-alive, N workers serve N connections for as long as those stay busy. The
others wait in the queue without an answer, and no average shows it. ``sharing_pool`` does
not have it.
"""

import threading
from queue import SimpleQueue

from syncline_cases.httpd.connection import Connection
from syncline_cases.httpd.server import join_workers, start_workers


class OwningPool:
    """Workers that take connections from a queue, each serving one to its end."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._queue: SimpleQueue[Connection | None] = SimpleQueue()
        self._open: set[Connection] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._threads = start_workers(self._work, self._workers)

    def give(self, connection: Connection) -> None:
        with self._lock:
            self._open.add(connection)
        self._queue.put(connection)

    def stop(self, grace_s: float) -> bool:
        with self._lock:
            for connection in self._open:
                connection.interrupt()
        for _ in range(self._workers):
            self._queue.put(None)
        return join_workers(self._threads, grace_s)

    def _work(self) -> None:
        while (connection := self._queue.get()) is not None:
            try:
                while connection.receive() and connection.answer():
                    pass
            finally:
                with self._lock:
                    self._open.discard(connection)
                connection.close()
