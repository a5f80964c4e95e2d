"""Rows 10 to 14: how a body ends, and what becomes of the connection after it."""

from __future__ import annotations

import pytest

from .invariants import check
from .noise import Observed
from .plans import a_few, closed
from .runner import Run, run
from .servers import Truth, serve
from .servers.behaviours import OK, Reply, Then, response
from .servers.threaded import Threaded

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50


def observe_broken(data: bytes, mutant: str | None = None, then: Then = "close") -> Observed:
    with serve(Threaded(Reply(data, then, whole=False))) as server:
        return run(a_few(server.url, 8), mutant), server.truth()


def assert_all_fail_as(run: Run, truth: Truth, kind: str) -> None:
    result = run.result
    assert result.ok == 0, "a broken answer counts as success"
    assert result.errors == {kind: truth.requests}, "a broken answer is named"
    assert result.failed == truth.requests
    assert result.status_codes.get("200", 0) == 0, "a broken answer is not a 200"


def test_row_10_a_body_shorter_than_its_length_is_incomplete() -> None:
    observed, truth = observe_broken(SHORT)
    assert_all_fail_as(observed, truth, "incomplete-body")
    check(observed, truth)


@pytest.mark.parametrize("data", [SHORT, CHUNKED + b"5\r\nhello\r\n"], ids=["length", "chunked"])
def test_row_10_catches_a_short_body_that_counts_as_success(data: bytes) -> None:
    observed, truth = observe_broken(data, "truncated-ok")
    with pytest.raises(AssertionError, match="a broken answer counts as success"):
        assert_all_fail_as(observed, truth, "incomplete-body")


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (b"5\r\nhello\r\n", "incomplete-body"),
        (b"5\r\nhel", "incomplete-body"),
        (b"5\r\nhello\r\n0\r\n", "incomplete-body"),
        (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n", "incomplete-body"),
        (b"", "incomplete-body"),
        (b"xyz\r\nhello\r\n0\r\n\r\n", "bad-response"),
        (b"\r\nhello\r\n0\r\n\r\n", "bad-response"),
        (b"-5\r\nhello\r\n0\r\n\r\n", "bad-response"),
        (b"5\r\nhelloXX0\r\n\r\n", "bad-response"),
        (b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "bad-response"),
    ],
)
def test_row_11_chunks_that_are_broken_are_typed(rest: bytes, kind: str) -> None:
    observed, truth = observe_broken(CHUNKED + rest)
    assert_all_fail_as(observed, truth, kind)
    check(observed, truth)


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5;name=value\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
        b"00005\r\nhello\r\n000\r\n\r\n",
        b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
    ],
)
def test_row_11_chunks_with_extensions_and_trailers_are_whole(rest: bytes) -> None:
    with serve(Threaded(Reply(CHUNKED + rest))) as server:
        observed = run(a_few(server.url))
        truth = server.truth()
    result = check(observed, truth)
    assert result.ok == result.started == truth.answered == 20
    assert truth.connections == 2, "the connection is kept"


def test_row_12_a_body_that_ends_with_its_connection_is_whole() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
    with serve(Threaded(Reply(data, "close"))) as server:
        observed = run(a_few(server.url))
        truth = server.truth()
    result = check(observed, truth)
    assert result.ok == truth.answered == 20
    assert truth.connections == 20, "one connection per request"
    assert result.bytes_in == 20 * len(data)


@pytest.mark.parametrize(
    ("data", "then", "connections"),
    [
        (response("200 OK", b"ok", "Connection: close"), "close", 20),
        (response("200 OK", b"ok", "connection: Keep-Alive, Close"), "close", 20),
        (response("200 OK", b"ok", version="1.0"), "close", 20),
        (response("200 OK", b"ok", "Connection: keep-alive", version="1.0"), "keep", 2),
        (OK, "keep", 2),
    ],
    ids=["close", "close-in-a-list", "http-1.0", "http-1.0-keep-alive", "http-1.1"],
)
def test_row_13_connections_are_kept_as_the_answer_says(
    data: bytes, then: Then, connections: int
) -> None:
    with serve(Threaded(Reply(data, then))) as server:
        observed = run(a_few(server.url))
        truth = server.truth()
    result = check(observed, truth)
    assert result.ok == truth.answered == 20
    assert result.failed == 0
    assert truth.connections == connections
    assert ("keep-alive-off" in result.notes) == (connections == 20)


def test_row_13_the_client_leaves_after_connection_close_though_the_server_stays() -> None:
    data = response("200 OK", b"ok", "Connection: close")
    with serve(Threaded(Reply(data, "hang"))) as server:
        result = check(run(a_few(server.url)), server.truth())
    assert result.ok == result.connections.opened == 20


def test_row_13_keep_alive_can_be_switched_off() -> None:
    with serve(Threaded(Reply())) as server:
        result = check(run(a_few(server.url, keep_alive=False)), server.truth())
    assert result.ok == result.connections.opened == 20
    assert "keep-alive-off" not in result.notes, "it was not asked for"


def test_row_13_a_connection_that_ends_while_idle_is_opened_again_without_an_error() -> None:
    with serve(Threaded(Reply(OK, "close"))) as server:
        plan = closed(server.url, 2, 1.5, think_time_s=0.05)
        result = check(run(plan), server.truth())
    assert result.failed == 0
    assert result.ok >= 10
    assert result.connections.opened >= result.ok


@pytest.mark.parametrize(
    "garbage", [b"garbage", OK, b"\r\n\r\n\r\nX"], ids=["text", "answer", "lines"]
)
def test_row_14_what_follows_an_answer_unasked_counts_for_nothing(garbage: bytes) -> None:
    with serve(Threaded(Reply(OK + garbage))) as server:
        observed = run(a_few(server.url))
        truth = server.truth()
    result = check(observed, truth)
    assert result.ok == truth.requests == 20, "each answer counts once"
    assert result.failed == 0
    assert truth.connections >= 20, "the connection is dropped"
    assert "garbage-after-response" in result.notes, "and flagged"
