"""Rows 6, 7, 8, 9: servers that die, answer errors only, or leave connections unserved."""

from __future__ import annotations

import select
import socket
from multiprocessing.connection import Connection

import pytest

from syncline.plan import Request, Timeouts

from .invariants import check
from .noise import Observed
from .plans import closed, paced
from .runner import Run, run
from .servers import Truth, serve
from .servers.behaviours import DieAfter, Reply, ServeOnly, response
from .servers.framework import Listen, Listener
from .servers.threaded import Threaded


@pytest.mark.parametrize("shape", ["closed", "open"])
def test_row_06_a_server_that_is_killed_is_reported_by_kind_and_by_second(shape: str) -> None:
    with serve(Threaded(DieAfter(300, Reply(after_s=0.002)))) as server:
        if shape == "closed":
            plan = closed(server.url, 10, 2.0, interval_s=0.25)
        else:
            plan = paced(server.url, 1000, 10, 2.0, interval_s=0.25)
        result = check(run(plan))
        truth = server.truth()
    # On each connection one answer may cross with the server's last words.
    assert abs(result.ok - truth.answered) <= 10
    assert result.failed > 0
    broken = sum(result.errors.get(kind, 0) for kind in ("reset", "closed-early"))
    # One in flight on each connection when it died, and one on each that the kernel still
    # opened for the dying process.
    assert 1 <= broken <= 20
    assert result.errors["connect-refused"] > 0
    assert set(result.errors) <= {"reset", "closed-early", "connect-refused", "connect-reset"}
    later = [one for one in result.intervals if one.start_s >= 1.0]
    assert all(one.ok == 0 for one in later)
    assert any(one.errors.get("connect-refused") for one in later), "errors by second"
    # A reconnect waits longer and longer: neither a flood of attempts nor a busy processor.
    assert result.connections.failed <= 20 * 10 * 2
    assert result.generator.cpu_share < 0.5
    # The rate is not divided by the whole time without a word.
    assert result.validity.status == "invalid"


ERROR = response("500 Internal Server Error", b"boom: no such table")


def observe_errors(mutant: str | None = None) -> Observed:
    with serve(Threaded(Reply(ERROR, after_s=0.002))) as server:
        return run(closed(server.url, 4, 0.5), mutant), server.truth()


def assert_errors_are_no_success(run: Run, truth: Truth) -> None:
    result = run.result
    assert result.ok == 0, "failures count as success"
    assert result.throughput_rps == 0, "failures count as success"
    assert result.failed == result.status_codes["500"] == result.status["5xx"]
    assert truth.answered - result.in_flight <= result.failed <= truth.answered


def test_row_07_a_server_of_errors_has_no_success_and_makes_the_run_invalid() -> None:
    observed, truth = observe_errors()
    assert_errors_are_no_success(observed, truth)
    result = check(observed, truth)
    assert result.service_time_us is None, "the latency of errors stands apart"
    assert result.error_time_us is not None
    assert result.error_time_us.count == result.failed
    assert result.validity.status == "invalid"
    assert any("error" in reason for reason in result.validity.reasons)
    (sample,) = result.error_samples
    assert (sample.kind, sample.count) == ("500", result.failed), "grouped, not one by one"
    assert "boom: no such table" in sample.sample


def test_row_07_catches_failures_that_count_as_success() -> None:
    observed, truth = observe_errors("count-failures")
    with pytest.raises(AssertionError, match="failures count as success"):
        assert_errors_are_no_success(observed, truth)


def test_row_07_an_expected_status_is_a_success_and_any_other_is_not() -> None:
    requests = (Request("/a", expect=(500,), name="a"), Request("/b", expect=(404,), name="b"))
    with serve(Threaded(Reply(ERROR, after_s=0.002))) as server:
        result = check(run(closed(server.url, 4, 0.5, requests=requests)), server.truth())
    by_name = {one.name: one for one in result.by_request}
    assert by_name["a"].ok == result.ok > 0
    assert by_name["b"].failed == result.failed > 0
    assert by_name["a"].failed == by_name["b"].ok == 0


def test_row_08_connections_that_are_never_served_are_shown() -> None:
    with serve(Threaded(ServeOnly(10))) as server:
        result = check(run(closed(server.url, 1000, 1.0)), server.truth())
    assert result.connections.asked == 1000
    assert result.connections.never_served == 990
    assert result.connections.requests_min == 0
    assert result.connections.requests_median == 0
    assert result.connections.requests_max > 10
    assert result.in_flight >= 990
    assert result.ok > 0


def never_accept(listener: Listener, control: Connection) -> None:
    """Leaves the queue of connections as full as it is."""
    while True:
        control.recv()
        control.send(Truth((), (), 0, 0))


def test_row_09_connections_that_are_not_let_in_are_connect_timeouts_with_their_time() -> None:
    waiting: list[socket.socket] = []

    def fill_the_queue(listener: Listener) -> None:
        # The kernel drops the SYN of a connection for which the queue has no room.
        for _ in range(16):
            client = socket.socket()
            waiting.append(client)
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            if not select.select([], [client], [], 0.1)[1]:
                return
        raise AssertionError("the queue did not fill up")

    with serve(never_accept, Listen(backlog=1), fill_the_queue) as server:
        timeouts = Timeouts(connect_s=0.3)
        result = check(run(closed(server.url, 5, 1.0, timeouts=timeouts)))
        for client in waiting:
            client.close()
    assert result.ok == result.sent == 0
    assert result.errors == {"connect-timeout": result.timed_out}
    assert result.timed_out >= 5
    assert result.connections.opened == 0
    assert result.connections.failed == result.timed_out
    assert result.connect_us is not None, "the time of failed connections is in the histogram"
    assert result.connect_us.count == result.connections.failed
    assert result.connect_us.min >= 0.3e6 * 0.999
