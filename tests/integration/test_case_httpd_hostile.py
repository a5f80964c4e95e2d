"""A hostile client gets an answer or is left, and holds no worker for long."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest

from syncline_cases.httpd.server import Server
from tests.integration.httpd_servers import SHORT, PoolName, fill, serving
from tests.integration.raw_http import RawClient

GOOD = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"


@pytest.fixture(params=["owning", "sharing"])
def pool(request: pytest.FixtureRequest) -> PoolName:
    name: PoolName = request.param
    return name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def server(folder: Path, pool: PoolName) -> Iterator[Server]:
    """One worker: whoever holds it keeps all others from being served."""
    with serving(folder, pool, workers=1, limits=SHORT) as server:
        yield server
        with RawClient(server.port) as client:
            assert client.get("/").status == 200, "the worker is held, or dead"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET /" + b"a" * 100_000, 414, id="endless line"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, 431, id="endless header"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000, 431, id="endless field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A:\r\n" * 101 + b"\r\n", 431, id="many fields"),
        pytest.param(b"GET / HTTP/1.1\nHost: t\n\n", 400, id="bare LF"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\n", 400, id="TLS hello"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="HTTP/2 preface"),
        pytest.param(b"GET / HTTP/3.0\r\nHost: t\r\n\r\n", 505, id="bad version"),
        pytest.param(b"BREW / HTTP/1.1\r\nHost: t\r\n\r\n", 501, id="unknown method"),
        pytest.param(b"\x00" * 50_000, 414, id="zeros"),
        pytest.param(b"GET / HTTP/1.1", 408, id="half a line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: t\r\nA", 408, id="half a header"),
    ],
)
def test_rubbish_gets_one_error_and_the_end(server: Server, data: bytes, status: int) -> None:
    with RawClient(server.port) as client:
        client.send_pieces([data])
        answer = client.answer()
        assert answer.status == status
        assert answer.header["connection"] == "close"
        assert client.rest() == b""


def test_a_silent_client_is_left_without_a_word(server: Server) -> None:
    with RawClient(server.port) as client:
        assert client.rest() == b""
    with RawClient(server.port) as client:
        assert client.get("/").status == 200
        assert client.rest() == b""


def test_a_trickle_of_header_bytes_does_not_extend_the_deadline(server: Server) -> None:
    with RawClient(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        # Ends only when the server has left: the header itself never ends.
        client.send_pieces(_until_answered(client, b"A: b\r\n"))
        assert client.answer().status == 408


def _until_answered(client: RawClient, piece: bytes) -> Iterator[bytes]:
    sock = client.sock
    while True:
        sock.settimeout(0.02)
        try:
            sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            sock.settimeout(20)
            yield piece
        else:
            sock.settimeout(20)
            return


def test_a_body_that_never_ends_is_left(server: Server) -> None:
    with RawClient(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nhello")
        assert client.answer().status == 405
        assert client.rest() == b""


def test_a_client_that_does_not_read_is_left(server: Server) -> None:
    with RawClient(server.port, receive_buffer=4096) as client:
        client.send(b"GET /large.bin HTTP/1.1\r\nHost: t\r\n\r\n")
        with RawClient(server.port) as other:  # is served only once the worker is free
            assert other.get("/").status == 200
        assert len(client.rest()) < 10_240_000


def test_pipelining_without_reading_is_left(server: Server) -> None:
    with RawClient(server.port, receive_buffer=4096) as client:
        client.send_pieces(repeat(b"GET /large.bin HTTP/1.1\r\nHost: t\r\n\r\n", 2000))
        with RawClient(server.port) as other:
            assert other.get("/").status == 200


@pytest.mark.parametrize("sent", [b"", b"GET", GOOD, GOOD[:-2], GOOD * 3])
def test_a_client_may_leave_at_any_time(server: Server, sent: bytes) -> None:
    for reset in (False, True):
        with RawClient(server.port) as client:
            client.send(sent)
            if reset:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_client_that_says_it_is_done_still_gets_its_answer(server: Server) -> None:
    with RawClient(server.port) as client:
        client.send(GOOD)
        client.finish()
        assert client.answer().status == 200
        assert client.rest() == b""


def test_the_refusal_of_a_large_upload_is_not_lost_to_a_reset(server: Server) -> None:
    with RawClient(server.port) as client:
        head = b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n"
        client.send_pieces([head, bytes(200_000)])
        assert client.answer().status == 413


def test_a_fault_of_the_server_itself_is_a_500_and_the_worker_lives_on(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as faulty, RawClient(server.port) as client:
        faulty.setattr("syncline_cases.httpd.connection.respond", lambda *_: 1 / 0)
        assert client.get("/").status == 500
        assert client.rest() == b""
    assert "ZeroDivisionError" in caplog.text


def test_a_slow_download_does_not_count_as_silence(folder: Path, pool: PoolName) -> None:
    with (
        serving(folder, pool, limits=replace(SHORT, send_s=20, idle_s=1.0)) as server,
        RawClient(server.port, receive_buffer=4096) as client,
    ):
        client.send(b"GET /large.bin HTTP/1.1\r\nHost: t\r\n\r\n")
        with RawClient(server.port) as silent:  # is left when its deadline has passed
            assert silent.rest() == b""
        assert len(client.answer().body) == 10_240_000
        assert "connection" not in client.get("/").header  # and it may go on


def test_owned_connections_starve_the_others_and_shared_ones_do_not(folder: Path) -> None:
    """The fault of the owning pool is part of the case; the other pool is its cure."""
    with serving(folder, "sharing", workers=1) as server:
        clients = [RawClient(server.port) for _ in range(20)]
        for _ in range(2):
            for client in clients:
                assert client.get("/").status == 200
        for client in clients:
            client.close()
    with serving(folder, "owning", workers=1) as server, RawClient(server.port) as owner:
        assert owner.get("/").status == 200
        with RawClient(server.port) as starved:
            starved.send(GOOD)
            assert owner.get("/").status == 200  # asked later, answered first
            starved.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                starved.sock.recv(1)
            starved.sock.settimeout(20)
            owner.close()
            assert starved.answer().status == 200


def test_stopping_answers_what_has_come_and_ends_idle_connections(
    folder: Path, pool: PoolName
) -> None:
    with serving(folder, pool, workers=2) as server:
        with RawClient(server.port) as idle, RawClient(server.port) as large:
            assert idle.get("/").status == 200
            large.send(b"GET /large.bin HTTP/1.1\r\nHost: t\r\n\r\n")
            assert large.sock.recv(1, socket.MSG_PEEK)
            assert _stopped_while_reading(server, large) == 10_240_000
            assert idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            RawClient(server.port)


def _stopped_while_reading(server: Server, client: RawClient) -> int:
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    size = len(client.answer().body)
    stopper.join()
    return size
