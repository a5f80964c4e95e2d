"""What a client cannot do to the key-value server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from syncline_cases.entities.limits import Limits
from tests.integration.entities_servers import HANDLERS, SHORT, MemoryStore, serving
from tests.integration.raw_http import RawClient

GET = b"GET /v0/entity?id=k HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"PUT /v0/entity?id=k HTTP/1.1\r\nHost: h\r\n"


@pytest.fixture(params=list(HANDLERS))
def handler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def port(handler: str) -> Iterator[int]:
    with serving(handler, MemoryStore(), limits=SHORT) as server:
        yield server.port


@pytest.mark.parametrize(
    "start",
    [b"G", HEAD, HEAD + b"A: b\r\n", HEAD + b"Content-Length: 9\r\n\r\nhalf"],
    ids=["line", "head", "field", "body"],
)
def test_a_request_that_does_not_end_is_answered_408(port: int, start: bytes) -> None:
    with RawClient(port) as client:
        client.send(start)
        assert client.answer().status == 408
        client.finish()
        assert client.rest() == b""


def test_a_request_that_trickles_for_ever_is_ended(port: int) -> None:
    with RawClient(port) as client:
        client.sock.settimeout(0.02)
        sent = 0
        received = b""
        client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while not received:
            assert sent < 1000
            client.send_pieces([b"1\r\nx\r\n"])
            sent += 1
            try:
                received = client.sock.recv(100)
            except TimeoutError:
                continue
        assert received.startswith(b"HTTP/1.1 408 ")


def test_silence_is_ended_without_a_word(port: int) -> None:
    with RawClient(port) as fresh, RawClient(port) as used:
        used.send(GET)
        assert used.answer().status == 404
        assert fresh.rest() == used.rest() == b""


def test_a_busy_connection_is_not_taken_for_a_slow_one(handler: str) -> None:
    """Every read ends inside a request, for longer than one request may take."""
    limits = replace(SHORT, request_s=1.0)
    with serving(handler, MemoryStore(), limits=limits) as server, RawClient(server.port) as client:
        client.send(GET[:10])
        end_s = time.monotonic() + 1.5 * limits.request_s
        while time.monotonic() < end_s:
            client.sock.settimeout(0.02)
            with pytest.raises(TimeoutError):
                client.sock.recv(1)
            client.sock.settimeout(20)
            client.send(GET[10:] + GET[:10])
            data = b""
            while not data.endswith(b"id\n"):
                part = client.sock.recv(1000)
                assert part
                data += part
            assert data.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Content-Length: 1048577\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n100001\r\n" + b"x" * 0x100001, 413),
        (HEAD + b"A: " + b"x" * 300_000, 431),
        (b"GET /" + b"x" * 300_000, 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
    ids=["length", "chunked", "head", "target", "tls", "smuggling"],
)
def test_too_much_and_rubbish_are_answered_and_ended(port: int, data: bytes, status: int) -> None:
    with RawClient(port) as client:
        client.send_pieces([data])
        answer = client.answer()
        assert (answer.status, answer.header["connection"]) == (status, "close")
        client.send_pieces([GET])
        assert client.rest() == b""


def test_a_413_reaches_a_client_that_goes_on_sending(handler: str) -> None:
    patient = Limits(linger_s=10)
    with serving(handler, MemoryStore(), limits=patient) as server, RawClient(server.port) as one:
        one.send(HEAD + b"Content-Length: 20000000\r\n\r\n")
        one.send_pieces(itertools.repeat(b"x" * 100_000, 200))
        one.finish()
        assert one.answer().status == 413


def test_a_client_that_does_not_take_its_answers_is_left(handler: str) -> None:
    """And what waits for it is bounded: a flood of small requests for a large value."""
    memory = MemoryStore()
    memory.data[b"k"] = b"x" * 1_000_000
    with (
        serving(handler, memory, limits=SHORT) as server,
        RawClient(server.port, receive_buffer=4096) as client,
    ):
        client.send_pieces(itertools.repeat(GET * 1000, 1000))
        done = 0
        while memory.entered.acquire(blocking=False):
            done += 1
        assert 0 < done < 400
        with RawClient(server.port) as other:
            other.send(GET)
            assert len(other.answer().body) == 1_000_000


def test_a_client_that_leaves_early_disturbs_nobody(handler: str) -> None:
    memory = MemoryStore()
    with serving(handler, memory) as server, RawClient(server.port) as other:
        for _ in range(50):
            with RawClient(server.port) as client:
                client.send(GET * 20 + HEAD)
        other.send(GET)
        assert other.answer().status == 404
