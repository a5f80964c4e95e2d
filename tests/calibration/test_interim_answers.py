"""Rows 15 to 18: answers before the answer, answers without a body, answers elsewhere."""

from __future__ import annotations

import pytest

from syncline.plan import Request

from .invariants import check
from .noise import Observed
from .plans import a_few
from .runner import Run, run
from .servers import Conn, Truth, serve
from .servers.behaviours import OK, ByPath, Reply, response
from .servers.threaded import Threaded

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
UPLOAD = (Request("/", "PUT", headers=(("Expect", "100-continue"),), body="0123456789"),)


def observe_interim(interim: bytes, mutant: str | None = None) -> Observed:
    with serve(Threaded(Reply(interim + OK))) as server:
        return run(a_few(server.url), mutant), server.truth()


def assert_each_request_has_one_answer(run: Run, truth: Truth) -> None:
    result = run.result
    assert result.ok == truth.answered, "interim answers count as answers"
    assert result.started == truth.requests == 20, "interim answers count as answers"
    assert result.status_codes == {"200": 20}


@pytest.mark.parametrize(
    "interim",
    [CONTINUE, HINTS, CONTINUE + HINTS + HINTS, b"HTTP/1.1 102 Processing\r\n\r\n"],
    ids=["100", "103", "100-103-103", "102"],
)
def test_row_15_an_answer_before_the_answer_is_not_counted(interim: bytes) -> None:
    observed, truth = observe_interim(interim)
    assert_each_request_has_one_answer(observed, truth)
    check(observed, truth)


@pytest.mark.parametrize("interim", [CONTINUE, HINTS], ids=["100", "103"])
def test_row_15_catches_an_interim_answer_that_counts(interim: bytes) -> None:
    observed, truth = observe_interim(interim, "informational-counts")
    with pytest.raises(AssertionError, match="interim answers count as answers"):
        assert_each_request_has_one_answer(observed, truth)


@pytest.mark.parametrize("asks", [True, False], ids=["asks-for-the-body", "ignores-expect"])
def test_row_16_the_body_follows_after_a_bounded_wait(asks: bool) -> None:
    with serve(Threaded(Reply(), asks_body=asks)) as server:
        plan = a_few(server.url, 2 if not asks else 20, requests=UPLOAD)
        observed = run(plan)
        truth = server.truth()
    result = check(observed, None if asks else truth)
    assert result.ok == truth.requests == plan.request_count
    waits_s = [(one.arrived_ns - one.head_ns) / 1e9 for one in truth.served]
    if asks:
        assert max(waits_s) < 0.5, "the body leaves when it is asked for"
    else:
        assert 0.1 < min(waits_s) <= max(waits_s) < 2.0, "a bounded wait, then the body"


def refuse(conn: Conn) -> None:
    """Answers the head of a request at once, wanting no body, and leaves."""
    conn.read_head()
    conn.send(response("417 Expectation Failed", b"no", "Connection: close"))
    conn.close()


def test_row_16_an_answer_instead_of_continue_is_the_answer() -> None:
    with serve(Threaded(Reply(), greet=refuse)) as server:
        result = check(run(a_few(server.url, requests=UPLOAD)))
        truth = server.truth()
    assert result.status_codes == {"417": 20}
    assert result.failed == result.sent == truth.connections == 20
    assert truth.bytes_in == result.bytes_out


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_row_17_an_answer_that_has_no_body_is_over_with_its_head(method: str, data: bytes) -> None:
    with serve(Threaded(Reply(data))) as server:
        plan = a_few(server.url, requests=(Request("/", method),))
        observed = run(plan)
        truth = server.truth()
    result = check(observed, truth)
    assert result.ok == truth.answered == 20
    assert truth.connections == 2, "the connection is kept"


def test_row_17_a_head_of_200_bytes_of_body_leaves_nothing_for_the_next_answer() -> None:
    requests = (Request("/h", "HEAD", name="head"), Request("/g", "GET", name="get"))
    routes = ByPath(
        (
            ("/h", Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")),
            ("/g", Reply(OK)),
        )
    )
    with serve(Threaded(routes)) as server:
        result = check(run(a_few(server.url, 60, requests=requests)), server.truth())
    assert result.ok == 60
    assert result.connections.opened == 2


REDIRECT = response("302 Found", b"", "Location: /there")
LOOP = response("307 Temporary Redirect", b"", "Location: /loop")


def test_row_18_a_redirect_is_reported_as_it_is() -> None:
    with serve(Threaded(ByPath((("/", Reply(REDIRECT)), ("", Reply(OK)))))) as server:
        observed = run(a_few(server.url))
        truth = server.truth()
    result = check(observed, truth)
    assert result.status_codes == {"302": 20}
    assert result.status == {"3xx": 20}
    assert {one.path for one in truth.served} == {"/"}


def test_row_18_a_redirect_is_followed_on_request() -> None:
    with serve(Threaded(ByPath((("/", Reply(REDIRECT)), ("", Reply(OK)))))) as server:
        result = check(run(a_few(server.url, max_redirects=3)))
        truth = server.truth()
    assert result.ok == result.status_codes["200"] == 20
    assert sum(1 for one in truth.served if one.path == "/there") == 20


def test_row_18_redirects_in_a_circle_end() -> None:
    with serve(Threaded(Reply(LOOP))) as server:
        result = check(run(a_few(server.url, max_redirects=3)))
        truth = server.truth()
    assert truth.requests == 20 * 4
    assert result.started == 20
    assert result.status_codes == {"307": 20}
