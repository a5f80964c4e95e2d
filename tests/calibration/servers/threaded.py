"""A server with one thread per connection, scripted by a function from request to answer."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TypeAlias

from .framework import Listener, ServerTls, last_words
from .truth import Served, Truth

_SETTLE_WITHIN_S = 8.0
_MAX_HEAD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: its head's instant and text, and the body."""

    number: int
    method: str
    path: str
    head: bytes
    body: bytes
    head_ns: int
    arrived_ns: int

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case; None without one."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode("latin-1").lower() == name.lower():
                return value.decode("latin-1").strip()
        return None


class Over(Exception):
    """Raised in a connection's thread: the connection has ended."""


Behaviour: TypeAlias = Callable[["Conn", Request], None]
"""Answers one request. A behaviour that returns keeps the connection for the next request."""


@dataclass(slots=True)
class _Answer:
    first_ns: int | None = None
    answered_ns: int | None = None


@dataclass(slots=True)
class Book:
    """The server's own count, shared by its threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    accepted: list[int] = field(default_factory=list)
    requests: list[tuple[int, Request, _Answer]] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0
    handshakes_failed: int = 0
    alive: int = 0
    control: Connection | None = None

    def truth(self, settled: bool) -> Truth:
        """The count as a value."""
        with self.lock:
            ordered = sorted(self.requests, key=lambda item: item[1].arrived_ns)
            return Truth(
                accepted=tuple(self.accepted),
                served=tuple(
                    Served(
                        number,
                        request.method,
                        request.path,
                        request.head_ns,
                        request.arrived_ns,
                        answer.first_ns,
                        answer.answered_ns,
                    )
                    for number, request, answer in ordered
                ),
                bytes_in=self.bytes_in,
                bytes_out=self.bytes_out,
                handshakes_failed=self.handshakes_failed,
                settled=settled,
            )


class Conn:
    """One accepted connection, in its own thread."""

    def __init__(self, index: int, sock: socket.socket, book: Book, asks_body: bool) -> None:
        self.index = index
        self.book = book
        self._sock = sock
        self._buffer = b""
        self._answer = _Answer()
        self._asks_body = asks_body

    def send(self, data: bytes) -> None:
        """Send bytes that are not, or not yet, a whole answer."""
        now = time.monotonic_ns()
        if self._answer.first_ns is None:
            self._answer.first_ns = now
        self._count_out(data)

    def answer(self, data: bytes) -> None:
        """Send the last bytes of a whole answer."""
        now = time.monotonic_ns()
        if self._answer.first_ns is None:
            self._answer.first_ns = now
        self._answer.answered_ns = now
        self._count_out(data)

    def pause(self, seconds: float) -> None:
        """Let time pass; part of what the server does, never of what a test waits for."""
        time.sleep(seconds)

    def close(self) -> None:
        """End the connection in good order (FIN), all that was sent having gone out."""
        # With bytes of the client unread, close() would send a reset instead: shut down the
        # sending half, read the client out, then close.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        self.hang()

    def reset(self) -> None:
        """End the connection with a reset (RST)."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def hang(self) -> None:
        """Say nothing more until the client has gone."""
        with contextlib.suppress(OSError):
            while data := self._sock.recv(65536):
                with self.book.lock:
                    self.book.bytes_in += len(data)
        raise Over

    def die(self) -> None:
        """End the whole server at once, its count told before."""
        assert self.book.control is not None
        last_words(self.book.control, self.book.truth(settled=False))

    def read_head(self) -> bytes:
        """The head of the next request. Raises Over when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise Over
            self._buffer += self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def next_request(self) -> Request:
        """The next request, whole. Raises Over when the client has gone."""
        head = self.read_head()
        head_ns = time.monotonic_ns()
        method, path = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
        request = Request(0, method, path, head, b"", head_ns, head_ns)
        if self._asks_body and (request.header("expect") or "").lower() == "100-continue":
            self._count_out(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.read_body(int(request.header("content-length") or 0))
        self._answer = _Answer()
        arrived_ns = time.monotonic_ns()
        with self.book.lock:
            number = len(self.book.requests)
            request = Request(number, method, path, head, body, head_ns, arrived_ns)
            self.book.requests.append((self.index, request, self._answer))
        return request

    def read_body(self, length: int) -> bytes:
        """So many bytes, however they come."""
        while len(self._buffer) < length:
            self._buffer += self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _receive(self) -> bytes:
        data = self._sock.recv(65536)
        if not data:
            raise Over
        with self.book.lock:
            self.book.bytes_in += len(data)
        return data

    def _count_out(self, data: bytes) -> None:
        self._sock.sendall(data)
        with self.book.lock:
            self.book.bytes_out += len(data)


@dataclass(frozen=True, slots=True)
class Threaded:
    """A program that gives each connection a thread and each request to ``behaviour``.

    Attributes:
        tls: serve TLS.
        greet: what a connection does before any request; None for nothing.
        asks_body: send ``100 Continue`` where a request expects it.
    """

    behaviour: Behaviour
    tls: ServerTls | None = None
    greet: Callable[[Conn], None] | None = None
    asks_body: bool = True

    def __call__(self, listener: Listener, control: Connection) -> None:
        threading.stack_size(256 * 1024)
        book = Book(control=control)
        threading.Thread(target=self._accept, args=(listener, book), daemon=True).start()
        while True:
            asked = control.recv()
            if asked == "count":
                control.send(len(book.requests))
            else:
                control.send(book.truth(_settle(listener, book)))

    def _accept(self, listener: Listener, book: Book) -> None:
        context = self.tls.context() if self.tls else None
        while True:
            sock, _ = listener.accept()
            with book.lock:
                index = len(book.accepted)
                book.accepted.append(time.monotonic_ns())
                book.alive += 1
            threading.Thread(
                target=self._talk, args=(index, sock, book, context), daemon=True
            ).start()

    def _talk(
        self, index: int, sock: socket.socket, book: Book, context: ssl.SSLContext | None
    ) -> None:
        try:
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = self._handshake(context, sock, book)
            conn = Conn(index, sock, book, self.asks_body)
            if self.greet is not None:
                self.greet(conn)
            while True:
                self.behaviour(conn, conn.next_request())
        except (Over, OSError):
            pass
        finally:
            sock.close()
            with book.lock:
                book.alive -= 1

    def _handshake(self, context: ssl.SSLContext, sock: socket.socket, book: Book) -> socket.socket:
        try:
            return context.wrap_socket(sock, server_side=True)
        except OSError:
            with book.lock:
                book.handshakes_failed += 1
            raise


def _settle(listener: Listener, book: Book) -> bool:
    """Wait until every connection has ended; False if some never do."""
    until = time.monotonic() + _SETTLE_WITHIN_S
    while time.monotonic() < until:
        waiting = select.select([listener], [], [], 0)[0]
        if not waiting and book.alive == 0:
            return True
        time.sleep(0.002)
    return False
