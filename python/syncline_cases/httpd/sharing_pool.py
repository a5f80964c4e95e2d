"""Idle connections go back to a selector that all workers share.

Each worker waits in the selector itself, is handed one connection that has something to
read, serves what has come, and hands it back. There is no queue and no thread between the
selector and the workers: a hand-over per request would cost a switch of threads per request.
A connection that sends its request in drops holds no worker meanwhile.
"""

import os
import select
import threading
import time

from syncline_cases.httpd.connection import Connection
from syncline_cases.httpd.server import join_workers, start_workers

# The kernel reports an armed connection once, to one worker, until it is armed again.
_ONCE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_SWEEP_S = 0.25


class SharingPool:
    """Workers that share all connections."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._selector = select.epoll()
        self._open: dict[int, Connection] = {}
        self._served: set[int] = set()  # those of _open that a worker has at the moment
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)

    def start(self) -> None:
        self._selector.register(self._wake, select.EPOLLIN)
        self._threads = start_workers(self._work, self._workers)
        self._sweeper.start()

    def give(self, connection: Connection) -> None:
        self._open[connection.fileno()] = connection
        self._selector.register(connection.fileno(), _ONCE)

    def stop(self, grace_s: float) -> bool:
        self._stopping.set()
        for connection in list(self._open.values()):
            connection.interrupt()
        os.eventfd_write(self._wake, 1)
        clean = join_workers([*self._threads, self._sweeper], grace_s)
        if clean:
            self._selector.close()
            os.close(self._wake)
        return clean

    def _work(self) -> None:
        while not self._stopping.is_set() or self._open:
            for descriptor, _ in self._selector.poll(maxevents=1):
                if descriptor == self._wake:
                    time.sleep(0.001)  # others still serve the last connections
                else:
                    self._serve(descriptor, self._open[descriptor])

    def _serve(self, descriptor: int, connection: Connection) -> None:
        going_on = False
        self._served.add(descriptor)
        try:
            going_on = connection.receive() and connection.answer()
        finally:
            self._served.discard(descriptor)
            if not going_on:
                # Before it is closed: the listener may be given the same number at once.
                del self._open[descriptor]
                connection.close()
        if going_on:
            self._selector.modify(descriptor, _ONCE)

    def _sweep(self) -> None:
        """Interrupts connections past their deadline; a worker then finds and ends them."""
        while not self._stopping.wait(_SWEEP_S):
            now = time.monotonic()
            for descriptor, connection in list(self._open.items()):
                if descriptor not in self._served and now >= connection.deadline:
                    connection.interrupt()
