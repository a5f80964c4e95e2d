"""A server without a framework: a queue of connections, and threads that take one each.

``python -m tests.faults.services.raw_threads PORT``, with ``WORKERS``, ``BACKLOG``,
``WORK_MS`` and ``PER_CONNECTION`` (requests until a connection goes back to the queue; 0: never).
"""

from __future__ import annotations

import queue
import select
import socket
import sys
import threading
import time

from tests.faults.services.settings import size

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KEEP_ALIVE = size("KEEP_ALIVE", 1)


def main(port: int) -> None:
    connections: queue.Queue[socket.socket] = queue.Queue()
    listener = socket.create_server(("127.0.0.1", port), backlog=size("BACKLOG", 1024))
    for _ in range(size("WORKERS", 4)):
        threading.Thread(target=work, args=(connections,), daemon=True).start()
    pause_s = size("ACCEPT_MS", 0) / 1000
    while True:
        connection, _ = listener.accept()
        connections.put(connection)
        time.sleep(pause_s)


def work(connections: queue.Queue[socket.socket]) -> None:
    turns = size("PER_CONNECTION", 0)
    while True:
        connection = connections.get()
        left = turns
        while serve(connection):
            left -= 1
            if left == 0 or not KEEP_ALIVE:
                break
        else:
            connection.close()
            continue
        if KEEP_ALIVE:
            connections.put(connection)
        else:
            connection.close()


def serve(connection: socket.socket) -> bool:
    """Whether a request was answered, or none came yet where others may wait."""
    if size("PER_CONNECTION", 0) and not select.select([connection], [], [], 0.001)[0]:
        return True
    try:
        head = connection.recv(4096)
        while head and b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        if not head:
            return False
        time.sleep(size("WORK_MS", 2) / 1000)
        answer = (
            ANSWER if KEEP_ALIVE else ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        connection.sendall(answer)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]))
