"""Rows 3, 4, 5, 20: answers that are slow, in parts, for ever, or not there at all."""

from __future__ import annotations

import pytest

from syncline.plan import Timeouts

from .hdr import decode
from .invariants import check, check_end
from .models import mean, quantile
from .noise import Observed
from .plans import closed, paced
from .runner import Run, run
from .servers import Truth, serve
from .servers.behaviours import SlowEvery, Timed, Trickle, hang
from .servers.threaded import Threaded

SILENT_AFTER_S = 0.25


def observe_some_slow(mutant: str | None = None) -> Observed:
    with serve(Threaded(SlowEvery(n=10, slow_s=1.0, fast_s=0.005))) as server:
        return run(closed(server.url, 20, 2.5), mutant), server.truth()


def assert_no_correction_is_invented(run: Run, truth: Truth) -> None:
    """In a closed loop there are no planned instants: what was measured is all there is."""
    result = run.result
    said = result.service_time_us
    assert said is not None
    assert said.count == result.ok, "samples were invented"
    assert truth.answered - result.in_flight <= said.count <= truth.answered, (
        "samples were invented"
    )
    # The answers that left when the client had gone are no answers to it.
    within_s = run.plan.duration_s
    slow_by_truth = sum(1 for time_s in truth.service_s() if time_s >= 1.0)
    assert result.histograms.service_time is not None
    unit_us = result.histograms.unit_ns / 1000
    slow = sum(
        count
        for _, high, count in decode(result.histograms.service_time).buckets
        if high * unit_us >= 1e6
    )
    assert slow_by_truth - result.in_flight <= slow <= slow_by_truth, "slow samples were invented"
    assert said.mean / 1e6 == pytest.approx(mean(truth.service_s(within_s)), rel=0.1)


def test_row_03_a_closed_loop_reports_service_time_and_no_invented_correction() -> None:
    observed, truth = observe_some_slow()
    assert_no_correction_is_invented(observed, truth)
    result = check(observed, truth)
    assert result.response_time_us is None
    assert result.failed == result.timed_out == 0


def test_row_03_catches_a_correction_in_a_closed_loop() -> None:
    observed, truth = observe_some_slow("correct-closed")
    with pytest.raises(AssertionError, match="samples were invented"):
        assert_no_correction_is_invented(observed, truth)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"


def observe_parts(mutant: str | None = None) -> Observed:
    pieces = ((0.05, HEAD), (0.05, b"x" * 2000), (0.05, b"y" * 2000))
    with serve(Threaded(Timed(pieces))) as server:
        return run(closed(server.url, 4, 1.0), mutant), server.truth()


def assert_first_byte_and_end_are_apart(run: Run, truth: Truth) -> None:
    first, whole = run.result.first_byte_us, run.result.service_time_us
    assert first is not None
    assert whole is not None
    true_first = [
        (one.first_ns - one.arrived_ns) / 1e9
        for one in truth.served
        if one.first_ns is not None and one.answered_ns is not None
    ]
    assert first.p50 / 1e6 == pytest.approx(quantile(true_first, 0.5), abs=0.02), "first byte"
    assert whole.p50 / 1e6 == pytest.approx(quantile(truth.service_s(), 0.5), abs=0.02), (
        "the total includes the body"
    )


def test_row_04_the_first_byte_and_the_whole_answer_are_timed_apart() -> None:
    observed, truth = observe_parts()
    assert_first_byte_and_end_are_apart(observed, truth)
    check(observed, truth)


def test_row_04_catches_a_time_that_ends_at_the_first_byte() -> None:
    observed, truth = observe_parts("first-byte-end")
    with pytest.raises(AssertionError, match="the total includes the body"):
        assert_first_byte_and_end_are_apart(observed, truth)


def observe_silence(mutant: str | None = None) -> Observed:
    timeouts = Timeouts(response_s=SILENT_AFTER_S)
    with serve(Threaded(hang)) as server:
        return run(closed(server.url, 8, 2.0, timeouts=timeouts), mutant), server.truth()


def assert_timeouts_are_kept(run: Run, truth: Truth) -> None:
    result = run.result
    assert result.timed_out >= 3 * 8, "timed-out requests vanished"
    waiting = result.in_flight - (result.started - result.sent)
    assert result.timed_out + waiting == truth.requests, "timed-out requests vanished"
    assert result.errors == {"response-timeout": result.timed_out}
    times = result.service_time_us
    assert times is not None, "timed-out requests vanished from the distribution"
    assert times.count == result.timed_out, "timed-out requests vanished from the distribution"
    assert times.min >= SILENT_AFTER_S * 1e6 * 0.999
    assert times.p50 <= SILENT_AFTER_S * 1e6 + 50_000


def test_row_05_timeouts_are_counted_and_kept_in_the_distribution() -> None:
    observed, truth = observe_silence()
    assert_timeouts_are_kept(observed, truth)
    result = check(observed, truth)
    assert result.ok == result.failed == 0
    assert result.connections.never_served == 8


def test_row_05_catches_timeouts_that_vanish() -> None:
    observed, truth = observe_silence("drop-timeouts")
    with pytest.raises(AssertionError, match="timed-out requests vanished"):
        assert_timeouts_are_kept(observed, truth)


def test_row_05_what_is_in_flight_at_the_end_is_listed_and_the_run_ends() -> None:
    with serve(Threaded(hang)) as server:
        observed = run(closed(server.url, 8, 1.5))
        result = check(observed, server.truth())
    assert result.in_flight == result.started == 8
    assert result.in_flight_oldest_s is not None
    assert 1.3 <= result.in_flight_oldest_s <= observed.wall_s
    assert result.service_time_us is None
    assert result.silence is not None
    assert result.silence.until_end
    assert result.silence.longest_s == pytest.approx(result.duration_s, abs=0.1)


def test_row_05_an_open_loop_on_a_silent_server_counts_what_it_never_sent() -> None:
    with serve(Threaded(hang)) as server:
        result = check(run(paced(server.url, 50, 4, 1.0)), server.truth())
    assert result.planned is not None
    assert result.planned == pytest.approx(50, abs=1)
    assert result.sent == result.in_flight == 4
    assert result.generator.unsent == result.planned - 4


def test_row_05_catches_a_run_without_a_deadline() -> None:
    timeouts = Timeouts(response_s=30, total_s=60)
    with serve(Threaded(hang)) as server:
        plan = closed(server.url, 2, 0.5, timeouts=timeouts)
        check(run(plan), server.truth())
    late = "the run ends on time|the run did not end"
    with serve(Threaded(hang)) as server, pytest.raises(AssertionError, match=late):
        check_end(run(closed(server.url, 2, 0.5, timeouts=timeouts), "no-deadline"))


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["in-the-status", "in-the-head", "in-the-body", "in-a-chunk", "until-close"],
)
def test_row_20_one_byte_after_the_other_does_not_outlive_the_total_deadline(start: bytes) -> None:
    # Every byte comes before the timeout of silence, so only the total one can end this.
    timeouts = Timeouts(response_s=5.0, total_s=0.4)
    with serve(Threaded(Trickle(start, 0.02))) as server:
        result = check(run(closed(server.url, 3, 2.0, timeouts=timeouts)), server.truth())
    assert result.errors == {"total-timeout": result.timed_out}
    assert result.timed_out >= 6
    assert result.ok == result.failed == 0
    waited = result.service_time_us
    assert waited is not None
    assert 0.399e6 <= waited.min <= waited.p50 <= 0.45e6
