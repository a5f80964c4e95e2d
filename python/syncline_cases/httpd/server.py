"""Who serves which connection, and when: a listening socket and a pool of worker threads."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from syncline_cases.httpd.connection import Connection, LogLine
from syncline_cases.httpd.files import Root
from syncline_cases.httpd.limits import Limits

# How long the listener rests when the process is out of descriptors.
_REST_S = 0.05


class Pool(Protocol):
    """Threads that serve the connections they are given."""

    def start(self) -> None: ...

    def give(self, connection: Connection) -> None:
        """A new connection, from the listener's thread."""

    def stop(self, grace_s: float) -> bool:
        """Answers what has come and ends; False if the grace was too short for it."""


class Server:
    """Accepts connections and gives them to a pool.

    Attributes:
        port: the port, also if 0 was asked for.
    """

    def __init__(
        self,
        address: tuple[str, int],
        root: Root,
        pool: Pool,
        limits: Limits | None = None,
        log: LogLine | None = None,
    ) -> None:
        self._root = root
        self._pool = pool
        self._limits = limits or Limits()
        self._log = log
        self._stopping = threading.Event()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._listener = socket.create_server(address, family=family, backlog=1024)
        # Accepted connections inherit it.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="listener", daemon=True)

    def start(self) -> None:
        self._pool.start()
        self._thread.start()

    def stop(self, grace_s: float = 5.0) -> bool:
        """Stops listening, answers every request that has come, and ends the threads.

        Returns:
            False if some client took longer than the grace.
        """
        if self._stopping.is_set():
            return True
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._thread.join()
        self._listener.close()
        return self._pool.stop(grace_s)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, address = self._listener.accept()
            except OSError:
                self._stopping.wait(_REST_S)
                continue
            try:
                connection = Connection(sock, address[0], self._root, self._limits, self._log)
            except OSError:  # gone already
                sock.close()
                continue
            self._pool.give(connection)


def start_workers(target: Callable[[], None], count: int) -> list[threading.Thread]:
    """So many threads that run a target."""
    threads = [
        threading.Thread(target=target, name=f"worker-{number}", daemon=True)
        for number in range(1, count + 1)
    ]
    for thread in threads:
        thread.start()
    return threads


def join_workers(threads: list[threading.Thread], grace_s: float) -> bool:
    """Waits for threads to end; False if one lives on after the grace."""
    deadline = time.monotonic() + grace_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
