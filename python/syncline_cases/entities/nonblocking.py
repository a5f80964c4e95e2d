"""The store's work is handed to other threads; the event loop goes on reading."""

from __future__ import annotations

from collections import deque

from syncline_cases.entities import answers
from syncline_cases.entities.answers import Kind
from syncline_cases.entities.connection import Connection
from syncline_cases.entities.handover import HandOver
from syncline_cases.entities.hub import Hub
from syncline_cases.entities.reader import Asked
from syncline_cases.entities.request import Request


class Slot:
    """The place of an answer among those of its connection: filled when the work is done."""

    __slots__ = ("_connection", "_special", "answer")

    def __init__(self, connection: NonBlockingConnection, special: Asked | None) -> None:
        self._connection = connection
        self._special = special
        self.answer: bytes | None = None

    def fill(self, answer: bytes) -> None:
        """The answer is there; it goes out when those before it have."""
        self.answer = self._connection.finished(answer, self._special)
        self._connection.serve()


class NonBlockingConnection(Connection):
    """Requests of one connection are under way together as far as their order allows.

    Pipelined requests may be performed at once only if all of them are safe (RFC 9112,
    section 9.3.2): a GET behind a PUT must see what that wrote.
    """

    __slots__ = ("_hand_over", "_safe", "_slots")

    def __init__(self, hub: Hub, hand_over: HandOver) -> None:
        super().__init__(hub)
        self._hand_over = hand_over
        self._slots: deque[Slot] = deque()
        self._safe = True  # all requests under way are

    @property
    def busy(self) -> bool:
        return bool(self._slots)

    def serve(self) -> None:
        self._flush()
        asked, ahead = self.reader.asked, self._hub.limits.ahead
        while asked and len(self._slots) < ahead and not (self.stuck or self.gone):
            item = asked[0]
            what, special = (item.what, item) if isinstance(item, Asked) else (item, None)
            safe = isinstance(what, Kind) or what[0] == b"GET"
            if self._slots and not (safe and self._safe):
                break
            self._safe = safe
            asked.popleft()
            self._begin(what, special)
        self._flush()
        self.settle()

    def _begin(self, what: Request | Kind, special: Asked | None) -> None:
        slot = Slot(self, special)
        self._slots.append(slot)
        if isinstance(what, Kind):
            slot.answer = self.finished(self.answer(what), special)
        elif not self._hand_over.give(what, slot.fill):
            slot.answer = self.finished(self.answer(answers.BUSY), special)

    def _flush(self) -> None:
        slots = self._slots
        ready = []
        while slots and slots[0].answer is not None:
            ready.append(slots.popleft().answer or b"")
        if ready and not self.gone:
            self.send(b"".join(ready))
