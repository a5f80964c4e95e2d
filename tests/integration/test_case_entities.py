"""The key-value server does what it says, the same in every variant."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from syncline.launch import Workspace, start_service
from syncline_cases.entities.case import CASE
from syncline_cases.entities.prepare import entities
from tests.integration.entities_servers import (
    HANDLERS,
    PYTHON,
    MemoryStore,
    Serving,
    serving,
    started,
)
from tests.integration.raw_http import Answer, RawClient

EVERY = pytest.mark.parametrize("handler", HANDLERS)
HANDED_OVER = pytest.mark.parametrize("handler", ["non-blocking", "group-commit"])


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=list(HANDLERS))
def client(request: pytest.FixtureRequest, memory: MemoryStore) -> Iterator[RawClient]:
    with serving(request.param, memory) as server, RawClient(server.port) as one:
        yield one


def put(client: RawClient, key: str, value: bytes) -> Answer:
    client.send(request("PUT", key, value))
    return client.answer()


def request(method: str, key: str, value: bytes = b"") -> bytes:
    length = f"Content-Length: {len(value)}\r\n" if value else ""
    return f"{method} /v0/entity?id={key} HTTP/1.1\r\nHost: h\r\n{length}\r\n".encode() + value


def test_an_entity_is_put_got_changed_and_deleted(client: RawClient) -> None:
    assert client.get("/v0/entity?id=k").status == 404
    assert put(client, "k", b"\x00\xff").status == 201
    got = client.get("/v0/entity?id=k")
    assert (got.status, got.body) == (200, b"\x00\xff")
    assert put(client, "k", b"2").status == 201
    assert client.get("/v0/entity?id=k").body == b"2"
    assert client.get("/v0/entity?id=k", method="DELETE").status == 202
    assert client.get("/v0/entity?id=k", method="DELETE").status == 202
    assert client.get("/v0/entity?id=k").status == 404


def test_keys_are_bytes_and_values_may_be_empty(client: RawClient, memory: MemoryStore) -> None:
    assert put(client, "%00%FF+/", b"").status == 201
    assert memory.data == {b"\x00\xff+/": b""}
    got = client.get("/v0/entity?id=%00%ff%2b/")
    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v0/entity", 400),
        ("PUT", "/v0/entity?id=", 400),
        ("DELETE", "/v0/entity?id=%", 400),
        ("POST", "/v0/entity?id=k", 405),
        ("HEAD", "/v0/entity?id=k", 405),
        ("OPTIONS", "/v0/entity?id=k", 405),
        ("GET", "/", 404),
        ("PUT", "/v0/entities?id=k", 404),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_connection_lives_on(
    client: RawClient, method: str, target: str, status: int
) -> None:
    answer = client.get(target, method=method)
    assert answer.status == status
    assert answer.header.get("allow") == ("GET, PUT, DELETE" if status == 405 else None)
    assert client.get("/v0/entity?id=none").status == 404


def test_a_chunked_value_is_put_whole(client: RawClient, memory: MemoryStore) -> None:
    client.send(
        b"PUT /v0/entity?id=k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\none\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
    )
    assert client.answer().status == 201
    assert memory.data == {b"k": b"one0123456789"}


def test_the_body_is_asked_for_when_the_client_waits_for_that(client: RawClient) -> None:
    head = "PUT /v0/entity?id=k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
    client.send(f"{head}Content-Length: 2\r\n\r\n".encode())
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert client.sock.recv(len(interim), 0x100) == interim  # MSG_WAITALL
    client.send(b"ok")
    assert client.answer().status == 201


def test_pipelined_requests_are_answered_in_order_each_seeing_those_before(
    client: RawClient,
) -> None:
    count = 300
    stream = b""
    for number in range(count):
        value = b"v%d" % number
        stream += request("PUT", "k", value) + request("GET", "k") + request("GET", f"x{number}")
        stream += request("POST", "k") + request("DELETE", "k") + request("GET", "k")
    threading.Thread(target=client.send, args=(stream,), daemon=True).start()
    for number in range(count):
        answers = [client.answer() for _ in range(6)]
        assert [one.status for one in answers] == [201, 200, 404, 405, 202, 404]
        assert answers[1].body == b"v%d" % number


def test_a_client_that_says_it_is_done_still_gets_its_answers(client: RawClient) -> None:
    client.send(request("PUT", "k", b"1") + request("GET", "k") + b"GET /v0/ent")
    client.finish()
    assert [client.answer().status for _ in range(2)] == [201, 200]
    assert client.rest() == b""


def test_the_clients_word_on_the_connection_is_kept(client: RawClient) -> None:
    client.send(b"GET /v0/entity?id=k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert client.answer().header["connection"] == "keep-alive"
    last = client.get("/v0/entity?id=k", "Connection: close")
    assert last.header["connection"] == "close"
    assert client.rest() == b""


def test_every_variant_says_the_same_bytes() -> None:
    stream = request("PUT", "k", b"v" * 300) + request("GET", "k") + request("GET", "none")
    stream += request("DELETE", "k") + request("GET", "") + request("POST", "k")
    stream += b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    said = set()
    for handler in HANDLERS:
        with serving(handler, MemoryStore()) as server, RawClient(server.port) as client:
            client.send(stream)
            said.add(re.sub(rb"Date: [^\r]+ GMT", b"Date: now", client.rest()))
    assert len(said) == 1
    assert said.pop().count(b"HTTP/1.1 ") == 8


@HANDED_OVER
def test_a_read_of_others_goes_on_while_the_store_works(handler: str, memory: MemoryStore) -> None:
    """The loop is free: it refuses a bad request at once while a write is held up."""
    memory.open.clear()
    with (
        serving(handler, memory) as server,
        RawClient(server.port) as writer,
        RawClient(server.port) as other,
    ):
        writer.send(request("PUT", "k", b"1"))
        assert memory.entered.acquire(timeout=20)
        assert other.get("/v0/entity?id=").status == 400
        memory.open.set()
        assert writer.answer().status == 201


@HANDED_OVER
def test_a_full_queue_is_answered_503_in_order_and_counted(
    handler: str, memory: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.open.clear()
    options = ("--threads", "1", "--queue", "2")
    with (
        serving(handler, memory, *options) as server,
        RawClient(server.port) as first,
        RawClient(server.port) as second,
    ):
        first.send(request("GET", "a"))
        assert memory.entered.acquire(timeout=20)
        second.send(request("GET", "b") * 5)
        third = RawClient(server.port)
        assert third.get("/v0/entity?id=c").status == 503
        memory.open.set()
        assert first.answer().status == 404
        answers = [second.answer() for _ in range(5)]
        assert [answer.status for answer in answers] == [404, 404, 503, 503, 503]
        assert answers[-1].header["retry-after"] == "1"
        assert third.get("/v0/entity?id=c").status == 404
        third.close()
    assert "4 requests met a full queue (503)." in capsys.readouterr().err


@EVERY
def test_a_stop_finishes_what_was_accepted(handler: str, memory: MemoryStore) -> None:
    memory.open.clear()
    with ExitStack() as stack:
        server: Serving = stack.enter_context(serving(handler, memory))
        idle, busy = (stack.enter_context(RawClient(server.port)) for _ in range(2))
        busy.send(request("PUT", "k", b"1") + request("GET", "k"))
        assert memory.entered.acquire(timeout=20)
        server.ask_to_stop()
        memory.open.set()
        assert [busy.answer().status for _ in range(2)] == [201, 200]
        assert busy.rest() == idle.rest() == b""
        server.join()
        assert server.clean
    assert memory.data == {b"k": b"1"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("store", ["rocksdb", "lmdb"])
def test_a_signal_ends_it_cleanly_and_the_data_stay(
    store: str, number: signal.Signals, tmp_path: Path
) -> None:
    arguments = ("--store", store, "--data", str(tmp_path))
    with started(*arguments) as (process, port), RawClient(port) as client:
        assert put(client, "k", b"1").status == 201
        process.send_signal(number)
        assert process.communicate(timeout=20)[1] == ""
        assert process.returncode == 0
        assert client.rest() == b""
    with started(*arguments) as (_, port), RawClient(port) as client:
        assert client.get("/v0/entity?id=k").body == b"1"


def test_a_store_in_use_and_a_port_in_use_are_told_in_words(tmp_path: Path) -> None:
    with started("--data", str(tmp_path)) as (_, port):
        for folder in (tmp_path, tmp_path / "other"):
            done = subprocess.run(
                [sys.executable, "-m", "syncline_cases.entities", "--data", folder, str(port)],
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": str(PYTHON)},
            )
            assert done.returncode == 1
            assert done.stderr.startswith("entities cannot ")
            assert "Traceback" not in done.stderr


def test_the_seeded_server_has_its_data_in_the_runs_own_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNCLINE_ENTITIES", "50")
    key, value = next(entities(50))
    with Workspace.open() as workspace:
        for name in CASE.default_variants:
            variant = CASE.variant(name)
            with start_service(
                variant, workspace=workspace, env={}, ready_path=CASE.ready_path
            ) as service:
                (folder,) = workspace.path.glob(f"data-{name}-*")
                assert list(folder.rglob("CURRENT"))
                with RawClient(service.port) as client:
                    assert client.get(f"/v0/entity?id={key.decode()}").body == value
            assert not any(folder.iterdir())
