"""Row 1: sends at the planned instants, to the microsecond, and latencies as they were."""

from __future__ import annotations

import pytest

from .invariants import check
from .models import per_bin, quantile, stdev
from .noise import Observed, hold, two_cores
from .plans import paced
from .runner import Run, run
from .servers import Truth, serve
from .servers.exact import Exact
from .servers.framework import Listen
from .servers.truth import NS_PER_S

RATE_RPS = 1000.0
SERVICE_NS = 5_000_000


def observe(mutant: str | None = None, duration_s: float = 4.0) -> Observed:
    generator, server_core = two_cores()
    with serve(Exact(SERVICE_NS), Listen(cpu=server_core)) as server:
        plan = paced(server.url, RATE_RPS, duration_s=duration_s, pin_cpus=(generator,))
        return run(plan, mutant), server.truth()


def assert_the_rate_is_held(run: Run, truth: Truth) -> None:
    arrivals = sorted(one.arrived_ns for one in truth.served)
    rate = (len(arrivals) - 1) * NS_PER_S / (arrivals[-1] - arrivals[0])
    assert rate == pytest.approx(RATE_RPS, rel=0.001), "the rate is off"
    planned = RATE_RPS * (run.plan.duration_s or 0)
    assert run.result.planned == pytest.approx(planned, abs=1), "the plan's count is off"


def assert_arrivals_are_even(run: Run, truth: Truth) -> None:
    bins = per_bin((one.arrived_ns for one in truth.served), NS_PER_S // 100)
    assert stdev(bins) < 1.0, "the arrivals come in bursts"


def assert_the_median_is_true(run: Run, truth: Truth) -> None:
    true_us = quantile(truth.service_s(), 0.5) * 1e6
    service, response = run.result.service_time_us, run.result.response_time_us
    assert service is not None
    assert response is not None
    assert service.p50 == pytest.approx(true_us, abs=100), "the median of service time is off"
    assert response.p50 == pytest.approx(true_us, abs=100), "the median of response time is off"


def assert_exact(run: Run, truth: Truth) -> None:
    assert_the_rate_is_held(run, truth)
    assert_arrivals_are_even(run, truth)
    assert_the_median_is_true(run, truth)


def test_row_01_a_constant_server_at_a_constant_rate_is_reported_to_a_tenth_of_a_millisecond() -> (
    None
):
    observed, truth = hold(assert_exact, observe)
    result = check(observed, truth)
    assert result.failed == result.timed_out == 0
    assert result.generator.unsent == 0
    assert result.validity.status == "valid"


@pytest.mark.parametrize(
    ("mutant", "caught_by"),
    [
        ("millisecond-timer", "the median of response time is off"),
        ("burst", "the arrivals come in bursts"),
        ("rate-drift", "the rate is off"),
    ],
)
def test_row_01_catches_a_generator_that_is_not_exact(mutant: str, caught_by: str) -> None:
    observed, truth = observe(mutant, duration_s=2.0)
    with pytest.raises(AssertionError, match=caught_by):
        assert_exact(observed, truth)
