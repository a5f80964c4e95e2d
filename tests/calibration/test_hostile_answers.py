"""Rows 19 and 21: heads without end, bodies without end, connections cut in the middle."""

from __future__ import annotations

import psutil
import pytest

from syncline.plan import Limits, Timeouts

from .invariants import check
from .plans import a_few, closed
from .runner import run
from .servers import serve
from .servers.behaviours import OK, Flood, Reply, Then, response
from .servers.threaded import Conn, Threaded

HEADER_LIMIT = 8192
LIMITS = Limits(header_bytes=HEADER_LIMIT)
MEMORY_SLACK_BYTES = 24 << 20


def padded(size: int) -> bytes:
    """An answer whose head, blank line included, has so many bytes."""
    fixed = len(response("200 OK", b"", "X: "))
    return response("200 OK", b"", f"X: {'x' * (size - fixed)}")


@pytest.mark.parametrize(
    "data",
    [
        padded(HEADER_LIMIT + 1),
        padded(3 * HEADER_LIMIT),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 20000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["one-byte-more", "one-long-header", "many-headers", "long-reason"],
)
def test_row_19_a_head_beyond_the_limit_is_typed(data: bytes) -> None:
    with serve(Threaded(Reply(data, "hang", whole=False))) as server:
        observed = run(a_few(server.url, 8, limits=LIMITS))
        truth = server.truth()
    result = check(observed, truth)
    assert result.errors == {"header-too-large": 8}
    assert result.ok == 0


def test_row_19_a_head_at_the_limit_is_read() -> None:
    with serve(Threaded(Reply(padded(HEADER_LIMIT)))) as server:
        result = check(run(a_few(server.url, limits=LIMITS)), server.truth())
    assert result.ok == 20


@pytest.mark.parametrize(
    ("start", "again", "kinds"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n", {"header-too-large"}),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000, {"header-too-large"}),
        (b"HTTP/1.1 ", b"2" * 64, {"bad-response", "header-too-large"}),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", {"bad-response", "total-timeout"}),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, {"bad-response"}),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"8000\r\n" + b"x" * 32768 + b"\r\n",
            {"bad-response"},
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
            b"name=value;",
            {"bad-response", "header-too-large"},
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-Trailer: and more\r\n",
            {"bad-response", "header-too-large"},
        ),
    ],
    ids=[
        "headers",
        "one-header",
        "status-line",
        "interim-answers",
        "body",
        "chunks",
        "chunk-extension",
        "trailers",
    ],
)
def test_row_19_what_has_no_end_is_cut_and_fills_no_memory(
    start: bytes, again: bytes, kinds: set[str]
) -> None:
    before = psutil.Process().memory_info().rss
    with serve(Threaded(Flood(start, again))) as server:
        limits = Limits(header_bytes=HEADER_LIMIT, body_bytes=1 << 20)
        # Where the flood itself has a bound, a slow machine must not meet the deadline first.
        total_s = 0.4 if "total-timeout" in kinds else 10.0
        timeouts = Timeouts(response_s=10.0, total_s=total_s)
        plan = closed(server.url, 3, 1.5, limits=limits, timeouts=timeouts)
        result = check(run(plan))
    assert result.ok == 0
    assert result.errors
    assert set(result.errors) <= kinds
    grown = psutil.Process().memory_info().rss - before
    assert grown < MEMORY_SLACK_BYTES


@pytest.mark.parametrize(
    ("data", "then", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nConte", "reset", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "reset", "reset"),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf of what", "reset", "reset"),
        (b"", "reset", "reset"),
        (b"HTTP/1.1 200 OK\r\nConte", "close", "closed-early"),
        (b"HTTP/1.1 200 OK\r\n", "close", "closed-early"),
        (b"HT", "close", "closed-early"),
        (b"", "close", "closed-early"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "close", "closed-early"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "close", "incomplete-body"),
    ],
    ids=[
        "rst-in-the-head",
        "rst-in-the-body",
        "rst-in-a-body-until-close",
        "rst-at-once",
        "fin-in-the-head",
        "fin-after-a-line",
        "fin-in-the-version",
        "fin-at-once",
        "fin-after-an-interim-answer",
        "fin-in-the-body",
    ],
)
def test_row_21_a_connection_cut_in_the_middle_is_named_by_how_and_where(
    data: bytes, then: Then, kind: str
) -> None:
    with serve(Threaded(Reply(data, then, whole=False))) as server:
        result = check(run(a_few(server.url, 8)), server.truth())
    assert result.errors == {kind: 8}
    assert result.ok == 0


def leave(conn: Conn) -> None:
    """Closes a connection as soon as it is there."""
    conn.close()


def test_row_21_a_server_that_hangs_up_on_everybody_is_no_success() -> None:
    with serve(Threaded(Reply(), greet=leave)) as server:
        result = check(run(closed(server.url, 4, 0.5)))
    assert result.ok == 0
    assert set(result.errors) <= {"closed-early", "reset"}
    assert result.failed > 0


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        b"\x00\x01\x02\x03\x04\x05\x06\x07",
    ],
)
def test_row_21_what_is_no_answer_at_all_is_a_bad_response(data: bytes) -> None:
    with serve(Threaded(Reply(data, "close", whole=False))) as server:
        result = check(run(a_few(server.url, 8)), server.truth())
    assert result.errors == {"bad-response": 8}
    assert result.ok == 0


def test_row_21_a_switch_of_protocols_that_nobody_asked_for_is_no_success() -> None:
    data = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + OK
    with serve(Threaded(Reply(data))) as server:
        result = check(run(a_few(server.url)), server.truth())
    assert result.ok == 0
    assert result.status_codes == {"101": 20}
    assert result.connections.opened >= 20, "what follows is no HTTP any more"
