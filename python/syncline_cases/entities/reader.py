"""From the bytes of a connection to the requests in it, in order."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import httptools

from syncline_cases.entities import answers
from syncline_cases.entities.answers import Kind, Refusal
from syncline_cases.entities.limits import Limits
from syncline_cases.entities.request import Request, key_of

# What most clients send and the server has no use for, as they spell it.
_DULL = frozenset((b"User-Agent", b"user-agent", b"Accept", b"accept", b"Accept-Encoding"))


class Asked(NamedTuple):
    """A request that is not just performed.

    Attributes:
        what: the request, or the refusal that answers it.
        option: what the answer says in its Connection field, if anything.
        head_only: the answer goes without its body.
    """

    what: Request | Kind
    option: bytes = b""
    head_only: bool = False


class Reader:
    """Parses what a client sends, within the limits.

    Attributes:
        asked: the requests that have come whole; a plain one stands without :class:`Asked`.
        ended: no request will follow, by the client's word or because one was refused.
        refused: one was refused, so bytes may be left that will not be read.
        inside: a request has begun and not ended.
        wants_continue: the client waits for 100 Continue.
    """

    __slots__ = (
        *("_body", "_fed", "_head_bytes", "_hosts", "_in_head", "_limits", "_named_connection"),
        *("_parser", "_target", "asked", "ended", "inside", "refused"),
        "wants_continue",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self.asked: deque[Request | Asked] = deque()
        self.ended = self.refused = False
        self.inside = False
        self.wants_continue = False
        self._in_head = False
        self._fed = 0
        self.on_message_begin()
        self.inside = False

    def feed(self, data: bytes) -> None:
        """Takes bytes; what they complete is in ``asked`` then."""
        if self.ended:
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as any request, and the connection's last
        except httptools.HttpParserCallbackError as error:
            refusal = error.__context__
            if not isinstance(refusal, Refusal):
                raise
            self.refuse(refusal.kind)
        except httptools.HttpParserError:
            self.refuse(answers.BAD_REQUEST)
        if self.inside:
            self._check_unfinished()

    def refuse(self, kind: Kind) -> None:
        """Answers with a refusal and reads no more."""
        if not self.ended:
            self.ended = self.refused = True
            self.inside = False
            self.asked.append(Asked(kind, b"close"))

    def _check_unfinished(self) -> None:
        # What the parser holds back of an unfinished field is nowhere else counted.
        bound = self._limits.head_bytes
        if not self._in_head:
            bound += self._limits.body_bytes + self._limits.framing_bytes
        if self._fed > bound:
            self.refuse(answers.HEAD_TOO_LARGE if self._in_head else answers.TOO_LARGE)

    # --- called by the parser ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.inside = self._in_head = True
        self._named_connection = False
        self._target = b""
        self._body: bytes | bytearray = b""
        self._hosts = 0
        self._head_bytes = 0

    def on_url(self, target: bytes) -> None:
        self._target = self._target + target if self._target else target
        if len(self._target) > self._limits.target_bytes:
            raise Refusal(answers.TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if name in _DULL or not self._in_head:
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            if len(value) > 18 or int(value) > self._limits.body_bytes:
                raise Refusal(answers.TOO_LARGE)
        elif name == b"connection":
            self._named_connection = True
        elif name == b"expect":
            if value.lower() != b"100-continue":
                raise Refusal(answers.EXPECTATION_FAILED)
            self.wants_continue = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._hosts != 1 and (self._hosts or self._parser.get_http_version() != "1.0"):
            raise Refusal(answers.NO_HOST)
        if self._head_bytes + len(self._target) > self._limits.head_bytes:
            raise Refusal(answers.HEAD_TOO_LARGE)

    def on_body(self, part: bytes) -> None:
        self.wants_continue = False
        if not self._body:
            self._body = part
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body) + part
        else:
            self._body += part
        if len(self._body) > self._limits.body_bytes:
            raise Refusal(answers.TOO_LARGE)

    def on_message_complete(self) -> None:
        self.inside = self.wants_continue = False
        self._fed = 0
        parser = self._parser
        method = parser.get_method()
        try:
            body = self._body
            value = body if body.__class__ is bytes else bytes(body)
            what: Request | Kind = (method, key_of(method, self._target), value)
        except Refusal as refusal:
            what = refusal.kind
        option = b""
        if not parser.should_keep_alive() or parser.should_upgrade():
            self.ended = True
            option = b"close"
            if parser.get_http_version() not in ("1.0", "1.1"):
                what = answers.OLD_VERSION
        elif self._named_connection and parser.get_http_version() == "1.0":
            option = b"keep-alive"
        if option or isinstance(what, Kind):
            self.asked.append(Asked(what, option, method == b"HEAD"))
        else:
            self.asked.append(what)
