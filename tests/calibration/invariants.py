"""What every report must hold to, whatever the server did. All tests go through here."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable

from syncline.outcome import Interval, LoadResult, Quantiles
from syncline.plan import OpenLoop

from .hdr import decode, merged
from .runner import Run
from .servers import Truth

# 3 significant digits: a recorded value lies within 1/1024 of the true one.
RESOLUTION = 1 / 1024

# Errors that may end a request before a byte of it was sent.
_BEFORE_THE_SEND = ("dns", "connect-refused", "connect-reset", "tls", "generator-limit")

# What may lie between the engine's deadline and our own clock's reading after it returned,
# on a machine whose cores are also used by others.
_OUR_OWN_DELAY_S = 0.5


def check(run: Run, truth: Truth | None = None) -> LoadResult:
    """Assert the promises that hold for every run, and give the result back.

    Args:
        run: what was run.
        truth: the count of a server that survived the run; None for one that did not, or
            whose count cannot be compared.
    """
    result = run.result
    check_counts(result)
    check_intervals(result)
    check_times(run)
    check_histograms(result)
    check_end(run)
    if truth is not None:
        check_against(result, truth)
    return result


def check_counts(result: LoadResult) -> None:
    """The sums of requests: nothing appears, nothing vanishes."""
    ended = result.ok + result.failed + result.timed_out
    assert result.started == ended + result.in_flight, (
        "started = ok + failed + timed out + in flight"
    )
    assert 0 <= result.carried_in <= result.started
    assert result.sent <= result.started
    assert min(result.ok, result.failed, result.timed_out, result.in_flight) >= 0
    assert (result.in_flight_oldest_s is None) == (result.in_flight == 0)
    assert sum(result.status.values()) == sum(result.status_codes.values())
    classes: Counter[str] = Counter()
    for code, count in result.status_codes.items():
        classes[f"{code[0]}xx"] += count
    assert dict(classes) == {name: n for name, n in result.status.items() if n}
    transport = sum(result.errors.values())
    assert result.ok + result.failed + result.timed_out == transport + sum(
        result.status_codes.values()
    ), "each ended request has either a status or a transport error"
    assert result.timed_out == sum(
        result.errors.get(kind, 0)
        for kind in ("connect-timeout", "response-timeout", "total-timeout")
    )
    for mine, total in (
        ("ok", result.ok),
        ("failed", result.failed),
        ("timed_out", result.timed_out),
    ):
        assert sum(getattr(one, mine) for one in result.by_request) == total
    sampled = Counter({sample.kind: sample.count for sample in result.error_samples})
    for kind, count in result.errors.items():
        assert sampled[kind] == count, f"{kind}: grouped, and all of them"


def check_intervals(result: LoadResult) -> None:
    """The intervals follow each other without a gap and sum up to the totals."""
    intervals = result.intervals
    assert intervals, "a run has at least one interval"
    for before, after in itertools.pairwise(intervals):
        # Threads end an interval each at their own wake-up, so that they may overlap a little.
        assert before.start_s < after.start_s <= before.end_s < after.end_s
        assert not (after.warmup and not before.warmup), "the warm-up stands at the start"
    assert all(one.start_s < one.end_s for one in intervals)
    measured = [one for one in intervals if not one.warmup]
    assert result.started == result.carried_in + _total(measured, "started")
    for name in ("ok", "failed", "timed_out", "bytes_in", "bytes_out"):
        assert getattr(result, name) == _total(measured, name), f"{name}: intervals and total"
    if result.planned is not None:
        waiting = [one.queued for one in intervals if one.warmup][-1:]
        planned = result.carried_in + sum(waiting) + sum(one.planned or 0 for one in measured)
        assert result.planned == planned
    assert result.in_flight == intervals[-1].in_flight
    errors: Counter[str] = Counter()
    status: Counter[str] = Counter()
    for one in measured:
        errors.update(one.errors)
        status.update(one.status)
    assert +errors == Counter(result.errors)
    assert +status == Counter(result.status)


def check_times(run: Run) -> None:
    """Every summary is a possible one; each holds as many values as there were requests."""
    result = run.result
    for name in (
        "service_time_us",
        "response_time_us",
        "connect_us",
        "first_byte_us",
        "error_time_us",
    ):
        check_quantiles(getattr(result, name), name)
    check_quantiles(result.generator.lateness_us, "lateness_us")
    errors = result.errors
    waited = errors.get("response-timeout", 0) + errors.get("total-timeout", 0)
    assert _count(result.service_time_us) == result.ok + waited, "timeouts stay in the distribution"
    never_sent = sum(errors.get(kind, 0) for kind in _BEFORE_THE_SEND)
    assert result.failed - never_sent <= _count(result.error_time_us) <= result.failed
    if isinstance(run.plan.schedule, OpenLoop):
        assert result.planned is not None
        assert _count(result.response_time_us) == result.ok + waited
        if result.service_time_us and result.response_time_us:
            assert result.response_time_us.max >= result.service_time_us.max * (1 - RESOLUTION)
    else:
        assert result.planned is None
        assert result.response_time_us is None, "a closed loop has no planned instants"
    assert math.isclose(result.throughput_rps, result.ok / result.duration_s, rel_tol=1e-6), (
        "failures never count into requests per second"
    )


def check_quantiles(quantiles: Quantiles | None, name: str) -> None:
    """p99 is at most the maximum, and so on; nothing is negative or empty."""
    if quantiles is None:
        return
    q = quantiles
    assert q.count > 0, f"{name}: nothing is None, not zeros"
    ladder = (q.min, q.p50, q.p75, q.p90, q.p95, q.p99, q.p99_9, q.max)
    assert q.min >= 0, f"{name}: no negative time"
    assert all(a <= b for a, b in itertools.pairwise(ladder)), f"{name}: {ladder}"
    assert q.min * (1 - RESOLUTION) <= q.mean <= q.max * (1 + RESOLUTION), name
    assert 0 <= q.stdev <= q.max, name


def check_histograms(result: LoadResult) -> None:
    """The full histograms say the same as their summaries; the intervals' add up to them."""
    unit_us = result.histograms.unit_ns / 1000
    for name, quantiles in (
        ("service_time", result.service_time_us),
        ("response_time", result.response_time_us),
        ("first_byte", result.first_byte_us),
        ("connect", result.connect_us),
        ("error_time", result.error_time_us),
        ("lateness", result.generator.lateness_us),
    ):
        text = getattr(result.histograms, name)
        assert (text is None) == (quantiles is None), name
        if text is None or quantiles is None:
            continue
        histogram = decode(text)
        assert histogram.count == quantiles.count, name
        for share, value in ((0.5, quantiles.p50), (0.9, quantiles.p90), (0.99, quantiles.p99)):
            low, high = histogram.bucket_of(share)
            slack = max(unit_us, value * RESOLUTION)
            assert low * unit_us - slack <= value <= (high + 1) * unit_us + slack, (name, share)
    for total, part in (
        (result.histograms.service_time, "service_histogram"),
        (result.histograms.response_time, "response_histogram"),
    ):
        parts = [getattr(one, part) for one in result.intervals if not one.warmup]
        if total is not None:
            sum_of_parts = merged(decode(text) for text in parts if text is not None)
            assert sum_of_parts == decode(total), f"{part}: merging is addition"
        else:
            assert not any(parts)


def check_end(run: Run) -> None:
    """The run ended on time, and said so if its figures mean nothing."""
    assert run.wall_s <= run.deadline_s + _OUR_OWN_DELAY_S, "the run ends on time"
    result = run.result
    assert (result.validity.status == "valid") == (not result.validity.reasons)
    if result.ok == 0:
        assert result.validity.status == "invalid", "nothing was answered: the report says so"


def check_against(result: LoadResult, truth: Truth) -> None:
    """The client's count equals that of a server that survived; for runs without warm-up."""
    assert truth.settled, "the server could not finish its count"
    assert result.sent == truth.requests, "requests sent = requests received"
    answers = sum(result.status_codes.values())
    assert answers <= truth.answered <= answers + result.in_flight + result.timed_out, (
        f"the server gave {truth.answered} whole answers, the report has {answers}"
    )
    # A closed loop's, as the run ended: the server may meet a connection that it did not.
    on_their_way = result.started - result.sent
    accepted = truth.connections - result.connections.opened
    assert 0 <= accepted <= on_their_way, "connections opened = accepted"
    assert result.bytes_out == truth.bytes_in, "bytes sent = bytes received"
    assert result.bytes_in <= truth.bytes_out, "no more bytes received than sent"
    if result.in_flight == result.timed_out == result.failed == 0:
        assert result.bytes_in == truth.bytes_out, "bytes received = bytes sent"


def _total(intervals: Iterable[Interval], name: str) -> int:
    return sum(getattr(one, name) for one in intervals)


def _count(quantiles: Quantiles | None) -> int:
    return quantiles.count if quantiles else 0
