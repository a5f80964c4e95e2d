"""The store's work is done where the request was read, on the event loop's own thread."""

from __future__ import annotations

from collections.abc import Callable

from syncline_cases.entities.answers import Kind
from syncline_cases.entities.connection import Connection
from syncline_cases.entities.hub import Hub
from syncline_cases.entities.reader import Asked
from syncline_cases.entities.request import Request

# Answers to pipelined requests leave together, up to about this size.
_TOGETHER_BYTES = 64 * 1024


class BlockingConnection(Connection):
    """While one request is performed, every other connection waits."""

    __slots__ = ("_perform",)

    busy = False

    def __init__(self, hub: Hub, perform: Callable[[Request], bytes]) -> None:
        super().__init__(hub)
        self._perform = perform

    def serve(self) -> None:
        asked, perform = self.reader.asked, self._perform
        while asked and not (self.stuck or self.gone):
            ready, size = [], 0
            while asked and size < _TOGETHER_BYTES:
                item = asked.popleft()
                if isinstance(item, Asked):
                    what = item.what
                    answer = self.answer(what) if isinstance(what, Kind) else perform(what)
                    answer = self.finished(answer, item)
                else:
                    answer = self.finished(perform(item))
                ready.append(answer)
                size += len(answer)
            self.send(b"".join(ready))
        self.settle()
