"""The file server says what HTTP asks it to say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest

from syncline_cases.httpd.server import Server
from tests.integration.httpd_servers import LARGE, PoolName, fill, serving
from tests.integration.raw_http import RawClient


@pytest.fixture(scope="module", params=["owning", "sharing"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("root") / "files"
    fill(folder)
    with serving(folder, request.param) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[RawClient]:
    with RawClient(server.port) as client:
        yield client


@pytest.mark.parametrize(
    ("target", "kind", "length"),
    [
        ("/", "text/html; charset=utf-8", 12),
        ("/style.css?v=3", "text/css; charset=utf-8", 5),
        ("/data", "application/octet-stream", 2),
        ("/archive.tar.gz", "application/gzip", 4),
        ("/empty.txt", "text/plain; charset=utf-8", 0),
        ("/large.bin", "application/octet-stream", len(LARGE)),
    ],
)
def test_a_file_comes_with_its_type_length_and_dates(
    client: RawClient, target: str, kind: str, length: int
) -> None:
    answer = client.get(target)
    assert answer.status == 200
    assert answer.header["content-type"] == kind
    assert len(answer.body) == int(answer.header["content-length"]) == length
    assert answer.header["server"]
    sent = parsedate_to_datetime(answer.header["date"])
    assert parsedate_to_datetime(answer.header["last-modified"]) <= sent


def test_a_large_file_arrives_whole_and_the_connection_goes_on(client: RawClient) -> None:
    assert client.get("/large.bin").body == LARGE
    assert client.get("/").status == 200


@pytest.mark.parametrize("target", ["/", "/large.bin", "/missing", "/empty.txt"])
def test_head_has_the_header_of_get_and_no_body(client: RawClient, target: str) -> None:
    got = client.get(target)
    headed = client.get(target, method="HEAD")
    got.header.pop("date"), headed.header.pop("date")
    assert (headed.status, headed.header) == (got.status, got.header)
    # Had a body followed, it would stand where the next status line is read.
    assert client.get("/").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed_and_the_allowed_are_named(
    client: RawClient, method: str
) -> None:
    answer = client.get("/", method=method)
    assert answer.status == 405
    assert answer.header["allow"] == "GET, HEAD"
    assert client.get("/").status == 200


def test_a_range_is_ignored_as_a_server_without_ranges_does(client: RawClient) -> None:
    answer = client.get("/style.css", "Range: bytes=0-1")
    assert (answer.status, answer.body) == (200, b"p {}\n")
    assert "content-range" not in answer.header


def test_conditions_are_met_with_304_and_no_body(client: RawClient) -> None:
    header = client.get("/style.css").header
    etag, modified = header["etag"], header["last-modified"]
    for field in (
        f"If-None-Match: {etag}",
        f'If-None-Match: "other", W/{etag}',
        "If-None-Match: *",
        f"If-Modified-Since: {modified}",
    ):
        answer = client.get("/style.css", field)
        assert answer.status == 304, field
        assert answer.header["etag"] == etag
    for fields in (
        ('If-None-Match: "other"',),
        ('If-None-Match: "other"', f"If-Modified-Since: {modified}"),
        ("If-Modified-Since: " + formatdate(0, usegmt=True),),
        ("If-Modified-Since: yesterday",),
    ):
        assert client.get("/style.css", *fields).status == 200, fields


def test_a_changed_file_has_another_tag(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    with serving(tmp_path / "root", "owning") as server, RawClient(server.port) as client:
        etag = client.get("/style.css").header["etag"]
        os.utime(tmp_path / "root" / "style.css", (1, 1))
        assert client.get("/style.css", f"If-None-Match: {etag}").status == 200


def test_pipelined_requests_are_answered_in_order(client: RawClient) -> None:
    targets = ["/", "/missing", "/style.css", "/data"] * 50
    client.send(b"".join(f"GET {t} HTTP/1.1\r\nHost: t\r\n\r\n".encode() for t in targets))
    expected = {"/": 12, "/missing": 14, "/style.css": 5, "/data": 2}
    assert [len(client.answer().body) for _ in targets] == [expected[t] for t in targets]


def test_a_request_may_come_byte_by_byte(client: RawClient) -> None:
    for byte in b"\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n":
        client.send(bytes([byte]))
    assert client.answer().status == 200


def test_short_bodies_are_thrown_away_and_not_read_as_requests(client: RawClient) -> None:
    body = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % len(body)
    client.send(head + body + b"GET /style.css HTTP/1.1\r\nHost: t\r\n\r\n")
    assert client.answer().status == 405
    assert client.answer().body == b"p {}\n"
    client.send(head)  # and with the body apart from its head
    assert client.answer().status == 405
    client.send(body[:10])
    client.send(body[10:] + b"GET /data HTTP/1.1\r\nHost: t\r\n\r\n")
    assert client.answer().body == b"\x00\x01"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\nhello", 413),
        (b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 405),
    ],
)
def test_other_bodies_end_the_connection_after_the_answer(
    client: RawClient, head: bytes, status: int
) -> None:
    client.send(head)
    answer = client.answer()
    assert answer.status == status
    assert answer.header["connection"] == "close"
    client.finish()
    assert client.rest() == b""


@pytest.mark.parametrize(
    ("request_head", "connection", "goes_on"),
    [
        (b"GET / HTTP/1.1\r\nHost: t\r\n\r\n", None, True),
        (b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", "close", False),
        (b"GET / HTTP/1.0\r\n\r\n", "close", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", True),
    ],
)
def test_the_connection_goes_on_as_agreed(
    client: RawClient, request_head: bytes, connection: str | None, goes_on: bool
) -> None:
    client.send(request_head)
    assert client.answer().header.get("connection") == connection
    if goes_on:
        assert client.get("/").status == 200
    else:
        assert client.rest() == b""


def test_requests_after_the_last_one_are_not_answered(client: RawClient) -> None:
    last = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
    client.send(last + last)
    assert client.answer().status == 200
    assert client.rest() == b""


def test_paths_are_refused_with_the_status_that_fits(client: RawClient) -> None:
    assert client.get("/../x").status == 403
    assert client.get("/pages/").status == 404
    assert client.get("/%00").status == 400


@pytest.mark.parametrize("pool", ["owning", "sharing"])
def test_each_request_has_one_line_that_a_terminal_can_show(tmp_path: Path, pool: PoolName) -> None:
    fill(tmp_path / "root")
    lines: list[tuple[bytes, int, int]] = []
    with (
        serving(tmp_path / "root", pool, log=lambda _, *line: lines.append(line)) as server,
        RawClient(server.port) as client,
    ):
        client.get("/style.css")
        client.get("/style.css", method="HEAD")
        client.get("/missing")
        client.send(b"\x1b[2J / HTTP/1.1\r\n\r\n")
        assert client.answer().status == 400
    assert lines == [
        (b"GET /style.css HTTP/1.1", 200, 5),
        (b"HEAD /style.css HTTP/1.1", 200, 0),
        (b"GET /missing HTTP/1.1", 404, 14),
        (b"\x1b[2J / HTTP/1.1", 400, 16),
    ]
