"""What holds for every run, over the shapes of plan that the rows do not vary."""

from __future__ import annotations

import pytest

from .invariants import check
from .plans import a_few, closed, paced
from .runner import run
from .servers import serve
from .servers.behaviours import OK, Reply
from .servers.threaded import Threaded
from .servers.truth import NS_PER_S


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("shape", ["closed", "open", "counted"])
def test_the_sums_hold_for_every_schedule_and_number_of_threads(shape: str, threads: int) -> None:
    with serve(Threaded(Reply(after_s=0.002))) as server:
        if shape == "closed":
            plan = closed(server.url, 7, 0.6, threads=threads, interval_s=0.1)
        elif shape == "open":
            # As many connections as bear a server that is held up for a moment, and uneven.
            plan = paced(server.url, 300, 67, 0.6, threads=threads, interval_s=0.1)
        else:
            plan = a_few(server.url, 101, 7, threads=threads, interval_s=0.01)
        result = check(run(plan), server.truth())
    assert result.ok > 0
    assert result.failed == result.timed_out == 0
    if shape == "counted":
        assert result.ok == result.started == 101
    if shape == "open":
        assert result.planned == 180
    assert result.validity.status == "valid" or result.generator.bottleneck


@pytest.mark.parametrize("shape", ["closed", "open"])
def test_the_warm_up_is_sent_and_counted_apart(shape: str) -> None:
    with serve(Threaded(Reply(after_s=0.01))) as server:
        if shape == "closed":
            plan = closed(server.url, 5, 1.0, warmup_s=0.4, interval_s=0.1)
        else:
            plan = paced(server.url, 200, 5, 1.0, warmup_s=0.4, interval_s=0.1)
        result = check(run(plan))
        truth = server.truth()
    warm = [one for one in result.intervals if one.warmup]
    before = sum(one.started for one in warm)
    assert result.duration_s == pytest.approx(0.6, abs=0.35)
    assert result.started - result.carried_in + before == truth.requests
    ended = sum(one.ok + one.failed + one.timed_out for one in result.intervals)
    assert ended + result.in_flight == truth.requests
    if shape == "closed":
        assert result.carried_in == 5
    else:
        assert sum(one.planned or 0 for one in result.intervals) == pytest.approx(200, abs=1)


def test_a_run_that_ends_by_its_count_ends_with_its_last_answer() -> None:
    lags_s = []
    for _ in range(5):  # any single one may meet a moment in which the machine was elsewhere
        with serve(Threaded(Reply(after_s=0.001))) as server:
            result = check(run(a_few(server.url, 30, 1)), server.truth())
            last_ns = server.truth().served[-1].answered_ns
        assert last_ns is not None
        assert result.started_monotonic_ns is not None
        ended_s = result.started_monotonic_ns / NS_PER_S + result.duration_s
        lags_s.append(ended_s - last_ns / NS_PER_S)
    assert min(lags_s) >= 0
    assert sorted(lags_s)[2] < 0.01


def test_nothing_of_a_small_rate_is_lost() -> None:
    with serve(Threaded(Reply(OK))) as server:
        truth_of = server.truth
        result = check(run(paced(server.url, 2, 4, 1.99)), truth_of())
    assert result.planned == result.ok == 4
