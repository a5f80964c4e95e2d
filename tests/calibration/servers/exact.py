"""A server that answers after an exact time, and freezes at exact instants.

One thread polls without sleeping, so that a request is stamped within microseconds of its
arrival and an answer leaves within microseconds of its due time. Give it a core of its own.

A request's time runs from when the server could read it to when its answer was handed over.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection

from .framework import Listener
from .truth import Served, Truth

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n"
_SETTLE_WITHIN_NS = 8_000_000_000
_HICCUP_NS = 300_000


@dataclass(frozen=True, slots=True)
class Exact:
    """A program that answers each request ``service_ns`` after it was read.

    Attributes:
        service_ns: the constant time.
        freeze_at_ns: when it freezes for the first time, after the first request; 0 is never.
        freeze_ns: how long it is frozen: nothing is read, nothing due is sent.
        period_ns: from one freeze's start to the next one's.
    """

    service_ns: int
    freeze_at_ns: int = 0
    freeze_ns: int = 0
    period_ns: int = 0

    def __call__(self, listener: Listener, control: Connection) -> None:
        _Loop(self, listener, control).run()


class _Loop:
    def __init__(self, what: Exact, listener: Listener, control: Connection) -> None:
        self.what = what
        self.listener = listener
        self.control = control
        self.poll = select.epoll()
        self.socks: dict[int, socket.socket] = {}
        self.index: dict[int, int] = {}
        self.accepted: list[int] = []
        self.rows: list[list[int]] = []  # connection, arrived_ns, answered_ns or 0
        self.freezes: list[tuple[int, int]] = []
        self.hiccups: list[tuple[int, int]] = []
        self.last_ns = time.monotonic_ns()
        self.bytes_in = 0
        self.bytes_out = 0
        self.tell_by_ns = 0

    def run(self) -> None:
        self.listener.setblocking(False)
        self.poll.register(self.listener, select.EPOLLIN)
        self.poll.register(self.control, select.EPOLLIN)
        due: deque[tuple[int, int, list[int]]] = deque()
        freeze_at = 0
        while True:
            now = self._now()
            if freeze_at and now >= freeze_at:
                freeze_at = self._freeze(freeze_at, now)
                now = self.last_ns
            while due and due[0][0] <= now:
                _, number, answered = due.popleft()
                self._answer(number, answered)
            if self.tell_by_ns and (not self.socks or now > self.tell_by_ns):
                self._tell()
            for fd, _ in self.poll.poll(0, 64):
                if fd == self.control.fileno():
                    self._asked()
                elif fd == self.listener.fileno():
                    self._accept()
                elif (row := self._read(fd)) is not None:
                    due.append((row[1] + self.what.service_ns, fd, row))
                    if not freeze_at and self.what.freeze_ns:
                        freeze_at = row[1] + self.what.freeze_at_ns

    def _now(self) -> int:
        """The clock, watched: between two looks lies one system call at most.

        A gap far longer than that was the machine's doing, and a freeze to all who wait.
        """
        now = time.monotonic_ns()
        if now - self.last_ns > _HICCUP_NS:
            self.hiccups.append((self.last_ns, now))
        self.last_ns = now
        return now

    def _freeze(self, at: int, now: int) -> int:
        until = at + self.what.freeze_ns
        while time.monotonic_ns() < until:
            pass
        self.last_ns = time.monotonic_ns()
        self.freezes.append((now, self.last_ns))
        return at + self.what.period_ns

    def _answer(self, fd: int, row: list[int]) -> None:
        sock = self.socks.get(fd)
        if sock is None:
            return
        try:
            self.bytes_out += sock.send(ANSWER)
        except OSError:
            return
        row[2] = self._now()

    def _read(self, fd: int) -> list[int] | None:
        now = self._now()
        try:
            data = self.socks[fd].recv(65536)
        except OSError:
            data = b""
        if not data:
            self.poll.unregister(fd)
            self.socks.pop(fd).close()
            return None
        self.bytes_in += len(data)
        if not data.endswith(b"\r\n\r\n") or data.count(b"\r\n\r\n") != 1:
            raise OSError("this server reads one small request at a time")
        row = [self.index[fd], now, 0]
        self.rows.append(row)
        return row

    def _accept(self) -> None:
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socks[sock.fileno()] = sock
        self.index[sock.fileno()] = len(self.accepted)
        self.accepted.append(time.monotonic_ns())
        self.poll.register(sock, select.EPOLLIN)

    def _asked(self) -> None:
        if self.control.recv() == "count":
            self.control.send(len(self.rows))
        else:
            self.tell_by_ns = time.monotonic_ns() + _SETTLE_WITHIN_NS

    def _tell(self) -> None:
        self.tell_by_ns = 0
        served = tuple(
            Served(number, "GET", "/", at, at, sent or None, sent or None)
            for number, at, sent in self.rows
        )
        self.control.send(
            Truth(
                tuple(self.accepted),
                served,
                self.bytes_in,
                self.bytes_out,
                freezes=tuple(self.freezes),
                hiccups=tuple(self.hiccups),
                settled=not self.socks,
            )
        )
