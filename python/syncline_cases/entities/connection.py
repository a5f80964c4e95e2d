"""One client: bytes in, answers out, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import cast

from syncline_cases.entities import answers
from syncline_cases.entities.answers import Kind, with_connection, without_body
from syncline_cases.entities.hub import Hub
from syncline_cases.entities.reader import Asked, Reader

# A client that takes so many bytes of its answers is not a slow one.
_WINDOW_BYTES = 64 * 1024


class Connection(asyncio.Protocol):
    """What the variants have in common; they differ in :meth:`serve`.

    Attributes:
        reader: the requests that have come.
    """

    __slots__ = (
        *("_began", "_hub", "_lingering", "_paused", "_rested", "_sent", "_taken", "_taken_at"),
        *("_transport", "gone", "reader", "stuck"),
    )

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.reader = Reader(hub.limits)
        self.stuck = False  # the client's side takes no more for now
        self.gone = False
        self._paused = False
        self._lingering: float | None = None
        self._began: float | None = None
        self._rested = hub.now
        self._sent = self._taken = 0
        self._taken_at = hub.now

    @abstractmethod
    def serve(self) -> None:
        """Answers what ``reader`` holds, as far as that goes now, and calls :meth:`settle`."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a request is under way that was taken from the reader."""

    # --- for the variants -------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Sends answers."""
        self._sent += len(data)
        self._rested = self._hub.now
        self._began = None
        self._transport.write(data)

    def answer(self, kind: Kind) -> bytes:
        """The answer of a kind, as of now."""
        return self._hub.answers.of(kind)

    def finished(self, answer: bytes, asked: Asked | None = None) -> bytes:
        """The answer with what is special about its request."""
        if asked is not None:
            if asked.head_only:
                answer = without_body(answer)
            if asked.option:
                return with_connection(answer, asked.option)
        if self._hub.stopping and not self.reader.asked and not self.reader.inside:
            return with_connection(answer, b"close")
        return answer

    def settle(self) -> None:
        """After all that could be answered was: reads on, waits, or leaves."""
        reader = self.reader
        quiet = not (reader.asked or reader.ended or reader.wants_continue)
        if quiet and not (self._paused or self._hub.stopping):
            return
        if self.gone or self._transport.is_closing():
            return
        if reader.asked:
            if not self._paused:
                self._paused = True
                self._transport.pause_reading()
            return
        if self.busy:
            return
        if reader.ended or (self._hub.stopping and not reader.inside):
            self._leave()
            return
        if reader.wants_continue:
            reader.wants_continue = False
            self._transport.write(answers.CONTINUE)
        if self._paused:
            self._paused = False
            self._began = None
            self._transport.resume_reading()

    # --- called by the loop -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._hub.guests.add(self)

    def data_received(self, data: bytes) -> None:
        if self._lingering is not None:
            return
        self.reader.feed(data)
        self.serve()

    def eof_received(self) -> bool:
        if self._lingering is not None:
            return False
        # A client may say that it is done and still wait for its answers.
        self.reader.ended = True
        self.reader.inside = False
        self.settle()
        return True

    def pause_writing(self) -> None:
        self.stuck = True

    def resume_writing(self) -> None:
        self.stuck = False
        self.serve()

    def connection_lost(self, _error: Exception | None) -> None:
        self.gone = True
        self.reader.asked.clear()
        self._hub.guests.discard(self)

    # --- called by the server ---------------------------------------------------------------

    def check(self) -> None:
        now, limits, reader = self._hub.now, self._hub.limits, self.reader
        if self._is_taken_too_slowly(now):
            self.abort()
        elif self._transport.is_closing():
            return
        elif self._lingering is not None:
            if now - self._lingering > limits.linger_s:
                self.abort()
        elif reader.asked or self.busy:
            self._began = None
        elif not reader.inside:
            self._began = None
            if now - self._rested > limits.idle_s:
                self._transport.close()
        elif self._began is None:
            self._began = now
        elif now - self._began > limits.request_s:
            reader.refuse(answers.REQUEST_TIMEOUT)
            self.serve()

    def finish(self) -> None:
        if self._lingering is None and not self._transport.is_closing():
            self.settle()

    def abort(self) -> None:
        self._transport.abort()

    def _is_taken_too_slowly(self, now: float) -> bool:
        waiting = self._transport.get_write_buffer_size()
        taken = self._sent - waiting
        if not waiting or taken - self._taken >= _WINDOW_BYTES:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at > self._hub.limits.send_s

    def _leave(self) -> None:
        if self.reader.refused:
            # Closing with bytes unread would reset, and lose, the answer.
            self._lingering = self._hub.now
            self._transport.write_eof()
            if self._paused:
                self._transport.resume_reading()
        else:
            self._transport.close()
