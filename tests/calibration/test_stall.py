"""Row 2: a server that freezes; nothing of the wait is omitted, nothing unsent forgotten."""

from __future__ import annotations

import pytest

from .invariants import check
from .models import Stall, first_planned_ns, mean, quantile, response_times_by_truth
from .noise import Observed, hold, two_cores
from .plans import paced
from .runner import Run, run
from .servers import Truth, serve
from .servers.behaviours import Reply
from .servers.exact import Exact
from .servers.framework import Listen
from .servers.threaded import Threaded
from .servers.truth import NS_PER_S

RATE_RPS = 1000.0
CONNECTIONS = 64
SERVICE_S = 0.005
FREEZING = Exact(
    service_ns=5_000_000, freeze_at_ns=2_500_000_000, freeze_ns=500_000_000, period_ns=5_000_000_000
)


def observe(mutant: str | None = None, duration_s: float = 10.0) -> Observed:
    generator, server_core = two_cores()
    with serve(FREEZING, Listen(cpu=server_core)) as server:
        plan = paced(server.url, RATE_RPS, CONNECTIONS, duration_s, pin_cpus=(generator,))
        return run(plan, mutant), server.truth()


def assert_nothing_is_omitted(run: Run, truth: Truth) -> None:
    """Mean, p90 and p95 (p99 can come out right by coincidence) within 1 %."""
    said = run.result.response_time_us
    assert said is not None
    times = response_times_by_truth(truth, RATE_RPS)
    for name, value_us, true_s in (
        ("mean", said.mean, mean(times)),
        ("p90", said.p90, quantile(times, 0.90)),
        ("p95", said.p95, quantile(times, 0.95)),
    ):
        assert value_us / 1e6 == pytest.approx(true_s, rel=0.01), f"response time: {name} is off"


def closed_form(run: Run, truth: Truth) -> list[float]:
    start = first_planned_ns(truth, RATE_RPS)
    freezes = tuple(((a - start) / NS_PER_S, (b - start) / NS_PER_S) for a, b in truth.freezes)
    duration_s = run.plan.duration_s or 0
    return Stall(RATE_RPS, duration_s, CONNECTIONS, SERVICE_S, freezes).response_times_s()


def test_row_02_the_response_times_of_a_stall_are_those_of_the_schedule() -> None:
    observed, truth = hold(assert_nothing_is_omitted, observe)
    result = check(observed, truth)
    assert result.planned == 10_000
    assert len(truth.freezes) == 2
    times = closed_form(observed, truth)
    said = result.response_time_us
    assert said is not None
    print("said", said)
    print(
        "truth",
        [
            f(response_times_by_truth(truth, RATE_RPS))
            for f in (
                mean,
                lambda v: quantile(v, 0.9),
                lambda v: quantile(v, 0.95),
                lambda v: quantile(v, 0.99),
                max,
            )
        ],
    )
    print(
        "form",
        [
            f(times)
            for f in (
                mean,
                lambda v: quantile(v, 0.9),
                lambda v: quantile(v, 0.95),
                lambda v: quantile(v, 0.99),
                max,
            )
        ],
    )


def test_row_02_service_time_runs_from_the_send_and_stands_beside() -> None:
    observed, truth = observe(duration_s=4.0)
    result = check(observed, truth)
    said = result.service_time_us
    assert said is not None
    times = truth.service_s()
    assert said.mean / 1e6 < quantile(response_times_by_truth(truth, RATE_RPS), 0.95)
    assert said.max / 1e6 == pytest.approx(max(times), rel=0.2)


def test_row_02_catches_latency_that_runs_from_the_actual_send() -> None:
    observed, truth = observe("omit", duration_s=5.0)
    with pytest.raises(AssertionError, match=r"response time: .* is off"):
        assert_nothing_is_omitted(observed, truth)


def observe_overload(mutant: str | None = None) -> Observed:
    """Four connections carry 40 requests per second of the 200 that are planned."""
    with serve(Threaded(Reply(after_s=0.1))) as server:
        return run(paced(server.url, 200, 4, 1.0), mutant), server.truth()


def assert_the_unsent_are_counted(run: Run, truth: Truth) -> None:
    result = run.result
    assert result.planned is not None
    assert result.planned == pytest.approx(200, abs=1), "planned requests are missing"
    assert result.generator.unsent == result.planned - truth.requests, "the unsent are forgotten"
    assert result.generator.unsent > 100


def test_row_02_requests_that_were_never_sent_are_counted() -> None:
    observed, truth = observe_overload()
    assert_the_unsent_are_counted(observed, truth)
    result = check(observed, truth)
    assert result.generator.queue_peak > 100
    assert result.validity.status == "invalid", "the schedule was not held"


def test_row_02_catches_unsent_requests_that_are_forgotten() -> None:
    observed, truth = observe_overload("drop-unsent")
    with pytest.raises(AssertionError, match=r"planned requests are missing|unsent are forgotten"):
        assert_the_unsent_are_counted(observed, truth)
