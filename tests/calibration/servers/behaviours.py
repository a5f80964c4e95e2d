"""The scripts that most rows of the suite need: fixed bytes, then an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .threaded import Conn, Request

Then = Literal["keep", "close", "reset", "hang"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def response(
    status: str = "200 OK", body: bytes = b"ok", *headers: str, version: str = "1.1"
) -> bytes:
    """A response with its Content-Length."""
    lines = [f"HTTP/{version} {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers every request with the same bytes, in one piece, then goes on as told.

    Attributes:
        data: what is sent.
        then: what becomes of the connection.
        whole: whether ``data`` is a whole answer, for the server's count.
        after_s: how long it waits before it sends.
    """

    data: bytes = OK
    then: Then = "keep"
    whole: bool = True
    after_s: float = 0.0

    def __call__(self, conn: Conn, request: Request) -> None:
        if self.after_s:
            conn.pause(self.after_s)
        if self.whole:
            conn.answer(self.data)
        elif self.data:
            conn.send(self.data)
        leave(conn, self.then)


@dataclass(frozen=True, slots=True)
class Timed:
    """Answers in pieces with a pause before each; the last piece completes the answer."""

    pieces: tuple[tuple[float, bytes], ...]

    def __call__(self, conn: Conn, request: Request) -> None:
        for pause_s, data in self.pieces[:-1]:
            conn.pause(pause_s)
            conn.send(data)
        pause_s, data = self.pieces[-1]
        conn.pause(pause_s)
        conn.answer(data)


@dataclass(frozen=True, slots=True)
class Trickle:
    """Sends ``start``, then one byte after the other without end."""

    start: bytes
    every_s: float

    def __call__(self, conn: Conn, request: Request) -> None:
        conn.send(self.start)
        while True:
            conn.pause(self.every_s)
            conn.send(b"x")


@dataclass(frozen=True, slots=True)
class Split:
    """Sends the same bytes to each request, each time cut in another way.

    The n-th request gets them in two pieces, cut after n bytes; the last three get them byte
    by byte, two by two, and in one piece.
    """

    data: bytes
    then: Then
    whole: bool

    @property
    def ways(self) -> int:
        """In how many ways the bytes are cut."""
        return len(self.data) - 1 + 3

    def __call__(self, conn: Conn, request: Request) -> None:
        pieces = self._pieces(request.number)
        for piece in pieces[:-1]:
            conn.send(piece)
            conn.pause(0.0001)
        if self.whole:
            conn.answer(pieces[-1])
        else:
            conn.send(pieces[-1])
        leave(conn, self.then)

    def _pieces(self, number: int) -> list[bytes]:
        cut = number + 1
        if cut < len(self.data):
            return [self.data[:cut], self.data[cut:]]
        size = {0: 1, 1: 2}.get(cut - len(self.data), len(self.data))
        return [self.data[at : at + size] for at in range(0, len(self.data), size)]


@dataclass(frozen=True, slots=True)
class Flood:
    """Sends ``start``, then ``again`` as fast as it is taken, without end."""

    start: bytes
    again: bytes

    def __call__(self, conn: Conn, request: Request) -> None:
        conn.send(self.start)
        while True:
            conn.send(self.again)


@dataclass(frozen=True, slots=True)
class SlowEvery:
    """Every n-th answer of the server takes long, the others ``fast_s``."""

    n: int
    slow_s: float
    fast_s: float

    def __call__(self, conn: Conn, request: Request) -> None:
        conn.pause(self.slow_s if request.number % self.n == self.n - 1 else self.fast_s)
        conn.answer(OK)


@dataclass(frozen=True, slots=True)
class DieAfter:
    """Serves so many requests, then the whole server dies in the middle of its work."""

    requests: int
    behaviour: Callable[[Conn, Request], None]

    def __call__(self, conn: Conn, request: Request) -> None:
        if request.number >= self.requests:
            conn.die()
        self.behaviour(conn, request)


@dataclass(frozen=True, slots=True)
class ServeOnly:
    """Answers on the first connections; on the others it reads and says nothing."""

    connections: int

    def __call__(self, conn: Conn, request: Request) -> None:
        if conn.index >= self.connections:
            conn.hang()
        conn.pause(0.005)
        conn.answer(OK)


@dataclass(frozen=True, slots=True)
class ByPath:
    """Chooses the behaviour by the request's path; the last entry is for any other."""

    routes: tuple[tuple[str, Callable[[Conn, Request], None]], ...]

    def __call__(self, conn: Conn, request: Request) -> None:
        for path, behaviour in self.routes[:-1]:
            if request.path == path:
                behaviour(conn, request)
                return
        self.routes[-1][1](conn, request)


def leave(conn: Conn, then: Then) -> None:
    """Do with the connection as told."""
    if then == "close":
        conn.close()
    elif then == "reset":
        conn.reset()
    elif then == "hang":
        conn.hang()


def hang(conn: Conn, request: Request) -> None:
    """Reads the request and never answers."""
    conn.hang()
