"""What the file server takes for a request, and what it refuses to."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from syncline_cases.httpd.limits import Limits
from syncline_cases.httpd.refusal import Refusal
from syncline_cases.httpd.request import Request, parse

HOST = b"\r\nHost: example.com"


def parsed(head: bytes) -> Request:
    return parse(head, Limits())


def refused(head: bytes) -> HTTPStatus:
    with pytest.raises(Refusal) as refusal:
        parsed(head)
    return refusal.value.status


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1" + HOST, True),
        (b"GET / HTTP/1.1" + HOST + b"\r\nConnection: close", False),
        (b"GET / HTTP/1.1" + HOST + b"\r\nConnection: x, CLOSE", False),
        (b"GET / HTTP/1.1" + HOST + b"\r\nConnection: keep-alive\r\nConnection: close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive, close", False),
        (b"GET / HTTP/1.9" + HOST, True),
    ],
)
def test_keep_alive_is_the_default_of_1_1_and_the_exception_of_1_0(
    head: bytes, keep_alive: bool
) -> None:
    assert parsed(head).keep_alive is keep_alive


def test_conditions_and_method_are_kept() -> None:
    request = parsed(
        b"HEAD /a?b HTTP/1.1" + HOST + b'\r\nIf-None-Match:\t"x" \r\nIf-Modified-Since: then'
    )
    assert request.head_only
    assert request.target == b"/a?b"
    assert request.etags == b'"x"'
    assert request.modified_since == b"then"


@pytest.mark.parametrize(
    ("field", "body_bytes"),
    [
        (b"", 0),
        (b"\r\nContent-Length: 12", 12),
        (b"\r\nTransfer-Encoding: chunked", None),
        (b"\r\nContent-Length: 12\r\nExpect: 100-continue", None),
    ],
)
def test_the_body_is_counted_where_it_can_be(field: bytes, body_bytes: int | None) -> None:
    assert parsed(b"GET / HTTP/1.1" + HOST + field).body_bytes == body_bytes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_known_method_is_parsed_and_not_allowed(method: str) -> None:
    assert not parsed(method.encode() + b" / HTTP/1.1" + HOST).allowed


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET /", 400, id="HTTP/0.9"),
        pytest.param(b"GET  / HTTP/1.1" + HOST, 400, id="two spaces"),
        pytest.param(b"GET / x HTTP/1.1" + HOST, 400, id="space in the target"),
        pytest.param(b"GET / HTTP/1" + HOST, 400, id="short version"),
        pytest.param(b"GET / http/1.1" + HOST, 400, id="version in lower case"),
        pytest.param(b"GET / HTTP/1.11" + HOST, 400, id="long version"),
        pytest.param(b"GET / HTTP/2.0" + HOST, 505, id="version 2"),
        pytest.param(b"GET / HTTP/0.9" + HOST, 505, id="version 0.9"),
        pytest.param(b"G@T / HTTP/1.1" + HOST, 400, id="method is no token"),
        pytest.param(b"get / HTTP/1.1" + HOST, 501, id="unknown method"),
        pytest.param("GET /ü HTTP/1.1".encode() + HOST, 400, id="target not ASCII"),
        pytest.param(b"GET / HTTP/1.1", 400, id="no host"),
        pytest.param(b"GET / HTTP/1.1" + HOST + HOST, 400, id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a b", 400, id="host with a space"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a/b", 400, id="host with a slash"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nno colon", 400, id="no colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA : b", 400, id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: b\r\n c", 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\n: b", 400, id="empty name"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: b\nC: d", 400, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: b\rC: d", 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: \x00", 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: \x1b[2J", 400, id="escape"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nA: b" * 101, 431, id="many fields"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1" + HOST, 414, id="long line"),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nExpect: tea", 417, id="expectation"),
        pytest.param(
            b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nContent-Length: 2",
            400,
            id="two lengths",
        ),
        pytest.param(
            b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: -1", 400, id="negative length"
        ),
        pytest.param(b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: +1", 400, id="signed"),
        pytest.param(
            b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: " + b"9" * 5000, 400, id="huge length"
        ),
        pytest.param(
            b"GET / HTTP/1.1" + HOST + b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
            400,
            id="length and coding",
        ),
        pytest.param(
            b"GET / HTTP/1.1" + HOST + b"\r\nTransfer-Encoding: gzip", 501, id="unknown coding"
        ),
        pytest.param(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked", 400, id="coding in HTTP/1.0"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(head: bytes, status: int) -> None:
    assert refused(head) == status
