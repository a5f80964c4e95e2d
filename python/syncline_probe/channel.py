"""JSON lines to whoever listens, without ever waiting for them.

A stream and not datagrams: a line may be longer than a datagram may be, the listener learns a
sender's process from the kernel (SO_PEERCRED) and its end from the end of the stream, and can
ask back on it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import time

from syncline_probe.recoding import copied

_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path without its end
_BACKLOG_BYTES = 1 << 20
_RETRY_S = 1.0
_ASK_BYTES = 4096
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)
_encoded = copied(json.JSONEncoder.encode)  # as it is before it is timed: ours is no answer's


class Channel:
    """The sending end. Used by one thread, and afresh after a fork.

    Lines wait in a bounded backlog while the listener is slow; those that find it full are
    dropped whole and counted. A listener that is gone is looked for again once a second.

    Attributes:
        dropped: lines dropped so far.
        connects: how often a connection came about; on a new one, say hello again.
    """

    def __init__(self, path: str) -> None:
        self.dropped = 0
        self.connects = 0
        self._path = path
        self._socket: socket.socket | None = None
        self._backlog = bytearray()
        self._retry_at = 0.0

    def connected(self) -> bool:
        """Whether there is a listener; tries to reach one, if it is time."""
        if self._socket is None and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + _RETRY_S
            self._socket = _connected(self._path)
            self.connects += self._socket is not None
        return self._socket is not None

    def send(self, message: dict[str, object]) -> None:
        """Queues a message and writes what can be written now."""
        self.send_line(_encoded(_ENCODER, message))

    def send_line(self, text: str) -> None:
        """The same for a message that is JSON already."""
        line = text.encode() + b"\n"
        if self._socket is None or len(self._backlog) + len(line) > _BACKLOG_BYTES:
            self.dropped += 1
        else:
            self._backlog += line
        self.flush()

    def flush(self) -> None:
        """Writes what the socket takes without waiting."""
        while self._backlog and self._socket is not None:
            try:
                sent = self._socket.send(self._backlog)
            except BlockingIOError:
                return
            except OSError:
                self._lose()
                return
            del self._backlog[:sent]

    def asked(self) -> bytes:
        """What the listener has asked since; empty if nothing."""
        if self._socket is None:
            return b""
        try:
            data = self._socket.recv(_ASK_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._lose()
        return data

    def abandon(self) -> None:
        """Lets go of the connection without a word: in a fork's child it is the parent's."""
        self._lose()

    def _lose(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        # A line of which a part has left cannot be completed on another connection.
        self.dropped += self._backlog.count(b"\n")
        self._backlog.clear()


def _connected(path: str) -> socket.socket | None:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    end.setblocking(False)
    try:
        with _short_name(path) as name:
            end.connect(name)
    except OSError:  # nobody there, or more callers than its queue holds
        end.close()
        return None
    return end


@contextlib.contextmanager
def _short_name(path: str):  # type: ignore[no-untyped-def]
    """The path, or one of under 108 bytes by which the kernel finds the same socket."""
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = f"/proc/self/fd/{descriptor}/{name}"
        if len(os.fsencode(short)) > _PATH_LIMIT:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        yield short
    finally:
        os.close(descriptor)
