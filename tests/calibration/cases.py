"""Responses as they come in the wild, and what RFC 9110 and 9112 make of each.

What is right follows from the RFCs' text; the choice of cases follows from what other
readers of responses have been tested with or have stumbled over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .servers.behaviours import Then

Expected = Literal["ok", "bad-response", "incomplete-body", "closed-early", "reset"]


@dataclass(frozen=True, slots=True)
class ResponseCase:
    """Bytes of one response and their meaning.

    Attributes:
        name: in words.
        data: the bytes.
        expected: what the request comes to; None where the RFCs leave it to the reader, who
            must only be of one mind.
        then: what becomes of the connection after them.
    """

    name: str
    data: bytes
    expected: Expected | None = "ok"
    then: Then = "keep"


def _head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *lines)) + b"\r\n\r\n"


_CHUNKED = _head(b"Transfer-Encoding: chunked")

WHOLE = (
    ResponseCase("length", _head(b"Content-Length: 5") + b"hello"),
    ResponseCase("length 0", _head(b"Content-Length: 0")),
    ResponseCase("no reason", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"),
    ResponseCase("no reason, no space", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", None),
    ResponseCase(
        "reason in UTF-8", "HTTP/1.1 200 Très bien\r\nContent-Length: 2\r\n\r\nok".encode()
    ),
    ResponseCase("reason of words", b"HTTP/1.1 299 a b  c\td\r\nContent-Length: 2\r\n\r\nok"),
    ResponseCase("names in any case", _head(b"cOnTeNt-LeNgTh:2") + b"ok"),
    ResponseCase("spaces around a value", _head(b"Content-Length:  \t 2 \t ") + b"ok"),
    ResponseCase("an empty value", _head(b"X-Empty:", b"Content-Length: 2") + b"ok"),
    ResponseCase("a value with colons", _head(b"Date: a:b:c", b"Content-Length: 2") + b"ok"),
    ResponseCase("a value in Latin 1", _head(b"X-Name: \xe9t\xe9", b"Content-Length: 2") + b"ok"),
    ResponseCase(
        "every sign of a name", _head(b"!#$%&'*+-.^_`|~9aZ: v", b"Content-Length: 2") + b"ok"
    ),
    ResponseCase(
        "the same length twice", _head(b"Content-Length: 2", b"Content-Length: 2") + b"ok", None
    ),
    ResponseCase("a length of many zeros", _head(b"Content-Length: 0000000002") + b"ok"),
    ResponseCase(
        "a body that looks like a head", _head(b"Content-Length: 19") + b"HTTP/1.1 200 OK\r\n\r\n"
    ),
    ResponseCase("a body of line ends", _head(b"Content-Length: 8") + b"\r\n\r\n\r\n\r\n"),
    ResponseCase("line feeds alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", None),
    ResponseCase(
        "a folded value", _head(b"X-Long: one", b"  two", b"Content-Length: 2") + b"ok", None
    ),
    ResponseCase("chunks", _CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
    ResponseCase("no chunk but the last", _CHUNKED + b"0\r\n\r\n"),
    ResponseCase("a last chunk of zeros", _CHUNKED + b"2\r\nok\r\n0000\r\n\r\n"),
    ResponseCase(
        "chunk sizes in both cases", _CHUNKED + b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"
    ),
    ResponseCase("chunk extensions", _CHUNKED + b'2;a=b;c;d="e;f"\r\nok\r\n0;end\r\n\r\n'),
    ResponseCase("chunks of line ends", _CHUNKED + b"4\r\n\r\n\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n"),
    ResponseCase("trailers", _CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"),
    ResponseCase(
        "a trailer that is a length", _CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 99\r\n\r\n"
    ),
    ResponseCase(
        "codings in a list", _head(b"Transfer-Encoding: gzip, chunked") + b"2\r\nok\r\n0\r\n\r\n"
    ),
    ResponseCase(
        "codings on two lines",
        _head(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n",
    ),
    ResponseCase(
        "a coding in any case", _head(b"transfer-encoding: CHUNKED") + b"2\r\nok\r\n0\r\n\r\n"
    ),
    ResponseCase(
        "length and chunks",
        _head(b"Content-Length: 99", b"Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n",
        None,
        "close",
    ),
    ResponseCase("no content", b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
    ResponseCase(
        "not modified, with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
    ),
    ResponseCase(
        "continue first", b"HTTP/1.1 100 Continue\r\n\r\n" + _head(b"Content-Length: 2") + b"ok"
    ),
    ResponseCase(
        "hints twice first",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + _CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
    ),
    ResponseCase("until the end", _head(b"X: y") + b"all there is", "ok", "close"),
    ResponseCase("nothing until the end", _head(b"X: y"), "ok", "close"),
    ResponseCase(
        "another coding until the end", _head(b"Transfer-Encoding: gzip") + b"zzz", "ok", "close"
    ),
    ResponseCase(
        "HTTP/1.0 until the end",
        b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nall there is",
        "ok",
        "close",
    ),
    ResponseCase(
        "HTTP/1.0 kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
    ),
    ResponseCase("close", _head(b"Connection: close", b"Content-Length: 2") + b"ok", "ok", "close"),
)

BROKEN = (
    ResponseCase("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", "bad-response", "close"),
    ResponseCase("another protocol, waiting", b"ICY 200 OK\r\n\r\n", "bad-response", "hang"),
    ResponseCase(
        "a version without a minor",
        b"HTTP/1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "version 2", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "bad-response", "close"
    ),
    ResponseCase(
        "a status of letters",
        b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "a status of 2 digits",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "a status of 4 digits",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "a line without a colon",
        _head(b"no colon here", b"Content-Length: 2") + b"ok",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "a name with a space",
        _head(b"a name: v", b"Content-Length: 2") + b"ok",
        None,
        "close",
    ),
    ResponseCase(
        "an empty name", _head(b": v", b"Content-Length: 2") + b"ok", "bad-response", "close"
    ),
    ResponseCase(
        "a zero byte in a value",
        _head(b"X: a\x00b", b"Content-Length: 2") + b"ok",
        None,
        "close",
    ),
    ResponseCase(
        "a length of letters", _head(b"Content-Length: two") + b"ok", "bad-response", "close"
    ),
    ResponseCase(
        "a length with a sign", _head(b"Content-Length: +2") + b"ok", "bad-response", "close"
    ),
    ResponseCase(
        "a length in hexadecimal", _head(b"Content-Length: 0x2") + b"ok", "bad-response", "close"
    ),
    ResponseCase("an empty length", _head(b"Content-Length:") + b"ok", "bad-response", "close"),
    ResponseCase(
        "a length beyond 64 bits",
        _head(b"Content-Length: 18446744073709551618") + b"ok",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "two lengths",
        _head(b"Content-Length: 2", b"Content-Length: 3") + b"okk",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "two lengths in a list", _head(b"Content-Length: 2, 3") + b"okk", "bad-response", "close"
    ),
    ResponseCase(
        "a chunk size of letters", _CHUNKED + b"xyz\r\nok\r\n0\r\n\r\n", "bad-response", "close"
    ),
    ResponseCase(
        "a chunk size with a prefix", _CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n", "bad-response", "close"
    ),
    ResponseCase(
        "a chunk size beyond 64 bits",
        _CHUNKED + b"10000000000000002\r\nok\r\n0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase("an empty chunk size", _CHUNKED + b"\r\nok\r\n0\r\n\r\n", "bad-response", "close"),
    ResponseCase(
        "a chunk longer than its size",
        _CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
        "bad-response",
        "close",
    ),
    ResponseCase(
        "a short body", _head(b"Content-Length: 9") + b"short", "incomplete-body", "close"
    ),
    ResponseCase("a short chunk", _CHUNKED + b"9\r\nshort", "incomplete-body", "close"),
    ResponseCase("no last chunk", _CHUNKED + b"2\r\nok\r\n", "incomplete-body", "close"),
    ResponseCase(
        "an end within trailers", _CHUNKED + b"2\r\nok\r\n0\r\nX: y\r\n", "incomplete-body", "close"
    ),
    ResponseCase(
        "an end within the head", b"HTTP/1.1 200 OK\r\nContent-Le", "closed-early", "close"
    ),
    ResponseCase("an end within the status", b"HTTP/1.1 2", "closed-early", "close"),
    ResponseCase(
        "an end after continue", b"HTTP/1.1 100 Continue\r\n\r\n", "closed-early", "close"
    ),
    ResponseCase("a reset within the head", b"HTTP/1.1 200 OK\r\nContent-Le", "reset", "reset"),
    ResponseCase(
        "a reset within the body", _head(b"Content-Length: 9") + b"short", "reset", "reset"
    ),
)
