"""What a request does to the store, and the answer to it: the same in every variant."""

import logging
from collections.abc import Sequence

from syncline_cases.entities import answers
from syncline_cases.entities.answers import Answers
from syncline_cases.entities.request import Request
from syncline_cases.entities.store import Change, Store

_log = logging.getLogger(__name__)


class Operations:
    """Performs requests; in any thread."""

    __slots__ = ("_answers", "_delete", "_get", "_put", "_write")

    def __init__(self, store: Store, made: Answers) -> None:
        self._get, self._put, self._delete = store.get, store.put, store.delete
        self._write = store.write
        self._answers = made

    def perform(self, request: Request) -> bytes:
        """Does what is asked and returns the whole answer."""
        method, key, value = request
        try:
            if method == b"GET":
                found = self._get(key)
                return self._answers.no_entity if found is None else self._answers.value(found)
            if method == b"PUT":
                self._put(key, value)
                return self._answers.created
            self._delete(key)
        except Exception:  # noqa: BLE001 - each store has its own kinds of error
            _log.exception("The store failed.")
            return self._answers.of(answers.FAILED)
        return self._answers.accepted

    def perform_each(self, requests: Sequence[Request]) -> list[bytes]:
        """The answers to requests that are performed one by one."""
        return [self.perform(request) for request in requests]

    def perform_group(self, requests: Sequence[Request]) -> list[bytes]:
        """The answers to requests of which all changes become durable together.

        The requests came at the same time, from different clients, so reads may come first.
        """
        reads = {
            index: self.perform(request)
            for index, request in enumerate(requests)
            if request[0] == b"GET"
        }
        changes: list[Change] = [
            (key, value if method == b"PUT" else None)
            for method, key, value in requests
            if method != b"GET"
        ]
        failed = None
        try:
            if changes:
                self._write(changes)
        except Exception:  # noqa: BLE001 - each store has its own kinds of error
            _log.exception("The store failed.")
            failed = self._answers.of(answers.FAILED)
        done = {b"PUT": self._answers.created, b"DELETE": self._answers.accepted}
        return [
            reads[index] if index in reads else failed or done[request[0]]
            for index, request in enumerate(requests)
        ]
