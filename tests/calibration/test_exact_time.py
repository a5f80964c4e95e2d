"""Row 1: sends at the planned instants, to the microsecond, and latencies as they were."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from .invariants import check
from .models import (
    first_planned_ns,
    per_bin,
    quantile,
    rate_of,
    response_times_by_truth,
    stdev,
)
from .noise import Observed, hold, two_cores
from .plans import paced
from .runner import Run, run
from .servers import Truth, serve
from .servers.exact import Exact
from .servers.framework import Listen
from .servers.truth import NS_PER_S

RATE_RPS = 1000.0
SERVICE_NS = 5_000_000
TENTH_MS_US = 100.0


def observe(mutant: str | None = None, duration_s: float = 3.0, spin: bool = False) -> Observed:
    generator, server_core = two_cores()
    with serve(Exact(SERVICE_NS), Listen(cpu=server_core)) as server:
        plan = paced(server.url, RATE_RPS, duration_s=duration_s, pin_cpus=(generator,), spin=spin)
        return run(plan, mutant), server.truth()


def assert_the_rate_is_held(run: Run, truth: Truth) -> None:
    rate = rate_of([one.arrived_ns for one in truth.served])
    assert rate == pytest.approx(RATE_RPS, rel=0.001), "the rate is off"
    assert run.result.planned == RATE_RPS * (run.plan.duration_s or 0), "the rate is off"


def assert_arrivals_are_even(run: Run, truth: Truth) -> None:
    bins = per_bin((one.arrived_ns for one in truth.served), NS_PER_S // 100)
    assert stdev(bins) < 1.0, "the arrivals come in bursts"


def assert_sends_are_on_time(run: Run, truth: Truth) -> None:
    start = first_planned_ns(truth, RATE_RPS)
    late_us = [
        (one.arrived_ns - start - number * NS_PER_S / RATE_RPS) / 1e3
        for number, one in enumerate(truth.served)
    ]
    assert quantile(late_us, 0.5) < TENTH_MS_US, "the sends are late"


def assert_the_medians_are_true(run: Run, truth: Truth) -> None:
    service, response = run.result.service_time_us, run.result.response_time_us
    assert service is not None
    assert response is not None
    true_us = quantile(truth.service_s(), 0.5) * 1e6
    assert service.p50 == pytest.approx(true_us, abs=TENTH_MS_US), "service time is off"
    true_us = quantile(response_times_by_truth(truth, RATE_RPS), 0.5) * 1e6
    assert response.p50 == pytest.approx(true_us, abs=TENTH_MS_US), "response time is off"


def assert_the_timer_is_fine(run: Run, truth: Truth) -> None:
    assert_sends_are_on_time(run, truth)
    assert_the_medians_are_true(run, truth)


def assert_exact(run: Run, truth: Truth) -> None:
    assert_the_rate_is_held(run, truth)
    assert_arrivals_are_even(run, truth)
    assert_the_timer_is_fine(run, truth)


def assert_exact_from_the_planned_instant(run: Run, truth: Truth) -> None:
    """Sending lateness, service and receipt together: a tenth of a millisecond for all."""
    assert_exact(run, truth)
    response = run.result.response_time_us
    assert response is not None
    true_us = quantile(truth.service_s(), 0.5) * 1e6
    assert response.p50 == pytest.approx(true_us, abs=TENTH_MS_US), "response time is off"


def assert_nothing_went_wrong(run: Run, truth: Truth) -> None:
    result = check(run, truth)
    assert result.failed == result.timed_out == 0
    assert result.generator.unsent == 0
    assert result.validity.status == "valid"


def test_row_01_a_constant_server_at_a_constant_rate_is_told_to_a_tenth_of_a_millisecond() -> None:
    assert_nothing_went_wrong(*hold(assert_exact, observe))


def test_row_01_polling_takes_the_wake_up_out_of_the_response_time() -> None:
    polling = functools.partial(observe, spin=True)
    assert_nothing_went_wrong(*hold(assert_exact_from_the_planned_instant, polling))


@pytest.mark.parametrize(
    ("mutant", "assertion", "caught_by"),
    [
        ("millisecond-timer", assert_sends_are_on_time, "sends are late"),
        ("burst", assert_arrivals_are_even, "the arrivals come in bursts"),
        ("rate-drift", assert_the_rate_is_held, "the rate is off"),
    ],
)
def test_row_01_catches_a_generator_that_is_not_exact(
    mutant: str, assertion: Callable[[Run, Truth], None], caught_by: str
) -> None:
    observed, truth = observe(mutant, duration_s=2.0)
    with pytest.raises(AssertionError, match=caught_by):
        assertion(observed, truth)
