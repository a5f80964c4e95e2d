"""The conversation with a guard: JSON lines both ways."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from typing import Any


class Wire:
    """Syncline's end of the socket to one guard."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._received = b""

    def send(self, **message: object) -> None:
        with contextlib.suppress(OSError):  # a dead guard is noticed when reading
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def next(self, timeout_s: float | None) -> dict[str, Any] | None:
        """The next event; None if the time ran out; ``{"event": "lost"}`` if the guard died."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        while b"\n" not in self._received:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not poller.poll(None if left is None else left * 1000):
                return None
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                return {"event": "lost"}
            self._received += data
        line, self._received = self._received.split(b"\n", 1)
        event: dict[str, Any] = json.loads(line)
        return event
