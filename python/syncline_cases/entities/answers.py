"""The bytes of every answer, made once a second for its Date and then only copied."""

import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer without a value: its status, what it says, further header lines."""

    status: HTTPStatus
    text: str = ""
    fields: bytes = b""


CREATED = Kind(HTTPStatus.CREATED)
ACCEPTED = Kind(HTTPStatus.ACCEPTED)
NO_ENTITY = Kind(HTTPStatus.NOT_FOUND, "no entity has this id")
NOT_FOUND = Kind(HTTPStatus.NOT_FOUND, "the only path is /v0/entity")
BAD_ID = Kind(HTTPStatus.BAD_REQUEST, "id must be given once, 1 to 511 bytes, percent-encoded")
BAD_REQUEST = Kind(HTTPStatus.BAD_REQUEST, "this is not HTTP/1.1")
NO_HOST = Kind(HTTPStatus.BAD_REQUEST, "exactly one Host field is needed")
METHOD_NOT_ALLOWED = Kind(
    HTTPStatus.METHOD_NOT_ALLOWED, "GET, PUT or DELETE", b"Allow: GET, PUT, DELETE\r\n"
)
REQUEST_TIMEOUT = Kind(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly")
TOO_LARGE = Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the value is too large")
TARGET_TOO_LONG = Kind(HTTPStatus.REQUEST_URI_TOO_LONG, "the target is too long")
HEAD_TOO_LARGE = Kind(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the header is too large")
EXPECTATION_FAILED = Kind(HTTPStatus.EXPECTATION_FAILED, "only 100-continue can be met")
FAILED = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "the store failed")
BUSY = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full", b"Retry-After: 1\r\n")
OLD_VERSION = Kind(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.0 or 1.1 is needed")

_ALL = tuple(value for value in globals().values() if isinstance(value, Kind))


class Refusal(Exception):
    """The request is answered with this instead."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.text)
        self.kind = kind


class Answers:
    """Answers as of about now.

    Attributes:
        created, accepted, no_entity: answers to PUT and DELETE, and to GET of nothing.
        value_head: what stands before the length of a GET's value.
    """

    __slots__ = ("_bytes", "_second", "accepted", "created", "no_entity", "value_head")

    created: bytes
    accepted: bytes
    no_entity: bytes
    value_head: bytes

    def __init__(self) -> None:
        self._second = -1
        self.refresh()

    def refresh(self) -> None:
        """Puts the present second into the answers; to be called about once a second."""
        second = int(time.time())
        if second == self._second:
            return
        self._second = second
        date = formatdate(second, usegmt=True).encode()
        self._bytes = {kind: _encoded(kind, date) for kind in _ALL}
        self.created, self.accepted = self._bytes[CREATED], self._bytes[ACCEPTED]
        self.no_entity = self._bytes[NO_ENTITY]
        self.value_head = (
            b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Length: " % date
        )

    def of(self, kind: Kind) -> bytes:
        """The answer of a kind."""
        return self._bytes[kind]

    def value(self, value: bytes) -> bytes:
        """The answer to a GET that found something."""
        return b"%b%d\r\n\r\n%b" % (self.value_head, len(value), value)


def with_connection(answer: bytes, option: bytes) -> bytes:
    """The answer with a Connection field: ``close``, or ``keep-alive`` to HTTP/1.0."""
    return answer.replace(b"\r\n", b"\r\nConnection: %b\r\n" % option, 1)


def without_body(answer: bytes) -> bytes:
    """The answer as HEAD gets it."""
    return answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def _encoded(kind: Kind, date: bytes) -> bytes:
    text = f"{kind.text}\n".encode() if kind.text else b""
    content_type = b"Content-Type: text/plain\r\n" if text else b""
    return b"HTTP/1.1 %d %b\r\nDate: %b\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        kind.status,
        kind.status.phrase.encode(),
        date,
        kind.fields,
        content_type,
        len(text),
        text,
    )
