"""The listening end of the probes' socket: lines in, whoever sends them and whatever they hold."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path

_LINE_BYTES = 4 << 20
_READ_BYTES = 1 << 16
_CONNECTIONS = 512
_PATH_BYTES = 107  # what a socket's address holds
_WAKE_S = 0.2

Handler = Callable[[int, dict[object, object]], bool]


class ProbeSocket:
    """A Unix socket with a thread that reads from all that connect.

    Messages go to ``handler(connection, message)`` in that thread; one it returns False for
    ends its connection, as do a line that is no JSON object and one longer than 4 MB.

    Attributes:
        path: where probes connect.
        refused: connections that ended for what they sent.
    """

    def __init__(self, folder: Path, handler: Handler, gone: Callable[[int], None]) -> None:
        self.path = folder / "probe.sock"
        self.refused = 0
        self._handler = handler
        self._gone = gone
        self._buffers: dict[socket.socket, bytearray] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._bind(folder)
            self._listener.listen(_CONNECTIONS)
            self._listener.setblocking(False)
        except OSError:
            self._listener.close()
            raise
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="syncline-probe", daemon=True)
        self._thread.start()

    def ask(self, line: bytes) -> int:
        """Sends a line to all that are connected; how many took it."""
        taken = 0
        with self._lock:
            for connection in self._buffers:
                with contextlib.suppress(OSError):
                    taken += connection.send(line) == len(line)
        return taken

    def close(self) -> None:
        """Ends the thread, the connections and the socket."""
        self._closing = True
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def _bind(self, folder: Path) -> None:
        if len(os.fsencode(self.path)) <= _PATH_BYTES:
            self._listener.bind(os.fspath(self.path))
        else:
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            try:
                self._listener.bind(f"/proc/self/fd/{descriptor}/{self.path.name}")
            finally:
                os.close(descriptor)
        # A service may run as another user; the folder's mode says who gets this far.
        self.path.chmod(0o666)

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(_WAKE_S):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
        for connection in list(self._buffers):
            self._drop(connection)
        self._listener.close()
        self._selector.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._buffers) >= _CONNECTIONS:
            connection.close()
            return
        connection.setblocking(False)
        with self._lock:
            self._buffers[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        buffer = self._buffers[connection]
        buffer += data
        *lines, rest = buffer.split(b"\n") if b"\n" in data else (buffer,)
        self._buffers[connection] = bytearray(rest)
        if len(rest) > _LINE_BYTES or not all(self._handle(connection, line) for line in lines):
            self.refused += 1
            self._drop(connection)

    def _handle(self, connection: socket.socket, line: bytes | bytearray) -> bool:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return False
        return isinstance(message, dict) and self._handler(connection.fileno(), message)

    def _drop(self, connection: socket.socket) -> None:
        number = connection.fileno()
        self._selector.unregister(connection)
        with self._lock:
            del self._buffers[connection]
        connection.close()
        self._gone(number)
