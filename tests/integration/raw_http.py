"""A client that sends any bytes and reads responses one by one, trusting nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. ``header`` has lower-case names."""

    status: int
    header: dict[str, str]
    body: bytes


class RawClient:
    """One connection; every wait is bounded, so a server that holds it fails the test."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(20)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self._file = self.sock.makefile("rb")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Sends until all is sent or the server has left."""
        try:
            for piece in pieces:
                self.sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return

    def finish(self) -> None:
        """Says that no more will come."""
        self.sock.shutdown(socket.SHUT_WR)

    def answer(self, head_only: bool = False) -> Answer:
        """The next response; an end before it is an assertion error."""
        line = self._file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        header: dict[str, str] = {}
        while (field := self._file.readline()) != b"\r\n":
            assert field.endswith(b"\r\n"), field
            name, _, value = field.decode("ascii").partition(":")
            header[name.lower()] = value.strip()
        status = int(line.split()[1])
        empty = head_only or status == 304
        body = b"" if empty else self._file.read(int(header["content-length"]))
        return Answer(status, header, body)

    def rest(self) -> bytes:
        """All that comes until the server closes; a reset is an end too."""
        try:
            return self._file.read()
        except ConnectionResetError:
            return b""

    def get(self, target: str, *fields: str, method: str = "GET") -> Answer:
        """Asks and reads the answer."""
        lines = "".join(f"{field}\r\n" for field in fields)
        self.send(f"{method} {target} HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode())
        return self.answer(head_only=method == "HEAD")
