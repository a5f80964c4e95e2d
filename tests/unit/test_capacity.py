"""A capacity is found where it is, with an honest interval, though a service is noisy or breaks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from syncline.capacity import (
    Asked,
    Capacity,
    Effort,
    capacities,
    capacity_search,
    checked,
    judged,
    rate_words,
    sentence,
)
from syncline.capacity.limit import Limit
from syncline.errors import UsageError
from syncline.objective import parse_objectives
from syncline.outcome import Outcome, ServiceExit, Validity
from syncline.plan import constant_rate
from syncline.report.comparison import build_comparison
from syncline.report.markdown import render_markdown
from syncline.search import Measured
from syncline.trial import Case, Load, Trial, Variant
from tests.unit import factories as make
from tests.unit.simulated import Queue, finish, plain

BOUNDS = checked(parse_objectives("p99<100ms,errors<1%"))
SYNC, ASYNC = Variant("sync", app="a:b"), Variant("async", app="c:d")
CASE = Case("shop", "", "", (SYNC, ASYNC), ("sync",), (Load(4, 1.0),), ())
EFFORT = Effort(60.0, step_s=2.0, warmup_s=0.4, precision=0.05)
SCHEDULE = "schedule not held: 9 of 100 planned requests were not sent, for want of a connection"
LATE = "generator saturated: 1 % of the requests left over 12.0 ms late"


def asked(*names: str, seed: int = 1) -> Asked:
    return Asked(names or ("sync",), Load(4, 1.0), BOUNDS, levels=(1, 4, 8), seed=seed)


def find(queue: Queue, seed: int = 1, effort: Effort = EFFORT) -> tuple[Capacity, Measured]:
    found, measured = finish(capacity_search(CASE, asked(seed=seed), effort), queue.outcome)
    return found[0], measured


@cache
def truth(queue: Queue) -> float:
    """The rate at which half of the windows meet the objective, by plain counting."""
    shares: list[tuple[float, float]] = []
    for percent in range(70, 125, 5):
        rate = percent / 100 * queue.most_rps
        load = Load(64, EFFORT.step_s, schedule=constant_rate(rate), warmup_s=EFFORT.warmup_s)
        trials = [Trial("shop", SYNC, load, seed=seed) for seed in range(9000, 9040)]
        verdicts = [judged(rate, BOUNDS, queue.outcome(trial)).verdict for trial in trials]
        shares.append((rate, verdicts.count("met") / len(verdicts)))
    for (below, more), (above, less) in pairwise(shares):
        if more >= 0.5 > less:
            return below + (above - below) * (more - 0.5) / (more - less)
    raise AssertionError(f"the border is not among {shares}")


@pytest.mark.parametrize(
    "queue",
    [Queue(), Queue(servers=1, service_s=0.008), Queue(disturbed=0.08), Queue(breaks_at=40)],
    ids=["plain", "one server", "disturbed", "breaking"],
)
def test_a_capacity_is_within_a_tenth_of_the_truth_and_its_interval_holds_it(queue: Queue) -> None:
    quiet = truth(replace(queue, disturbed=0.0))
    found = [find(queue, seed)[0] for seed in range(100, 2100, 100)]
    rates = [one.rate_rps or 0.0 for one in found]
    assert sum(abs(rate / quiet - 1) <= 0.1 for rate in rates) >= 19
    holding = [one for one in found if one.interval and one.interval[0] <= quiet <= one.interval[1]]
    assert len(holding) >= 16


def test_a_search_that_believes_every_answer_would_be_misled() -> None:
    """The mutant: plain bisection on the same disturbed service is off by more, more often."""
    queue = Queue(disturbed=0.25)
    quiet = truth(replace(queue, disturbed=0.0))

    def plainly(seed: int) -> float:
        low: float = queue.most_rps / 64
        high: float = 4 * queue.most_rps
        for number in range(14):
            middle = (low * high) ** 0.5
            load = Load(64, 2.0, schedule=constant_rate(middle), warmup_s=0.4)
            trial = Trial("shop", SYNC, load, repeat=number, seed=seed + number)
            met = judged(middle, BOUNDS, queue.outcome(trial)).verdict == "met"
            low, high = (middle, high) if met else (low, middle)
        return float((low * high) ** 0.5)

    def off(rate: float | None) -> bool:
        return abs((rate or 0) / quiet - 1) > 0.1

    seeds = range(100, 2100, 100)
    assert sum(off(plainly(seed)) for seed in seeds) >= 6
    assert sum(off(find(queue, seed)[0].rate_rps) for seed in seeds) <= 4


def test_the_answer_can_be_told_from_the_trials_alone() -> None:
    found, measured = find(Queue())
    assert capacities(measured) == (found,)
    assert capacities(()) == ()


def test_variants_go_in_lockstep_and_each_gets_its_answer() -> None:
    queues = {"sync": Queue(servers=1), "async": Queue(servers=3)}
    search = capacity_search(CASE, asked("sync", "async"), replace(EFFORT, budget_s=120))
    found, measured = finish(search, lambda trial: queues[trial.variant.name].outcome(trial))
    steps = [trial.variant.name for trial, _ in measured if trial.phase == "capacity"]
    assert steps[:8] == ["sync", "async"] * 4
    slow, fast = (one.rate_rps or 0.0 for one in found)
    assert 2 < fast / slow < 4.5
    assert len({trial.identity for trial, _ in measured}) == len(measured)


def test_the_time_of_the_trials_stays_within_the_budget() -> None:
    for budget_s in (30.0, 60.0):
        _, measured = find(Queue(), effort=replace(EFFORT, budget_s=budget_s, precision=0.001))
        assert sum(trial.load.duration_s for trial, _ in measured) <= budget_s


def test_a_service_that_meets_it_at_no_rate_is_given_up_soon() -> None:
    found, measured = find(Queue(service_s=0.2), effort=replace(EFFORT, budget_s=300))
    assert found.rate_rps is None
    assert "not even" in found.why_none
    assert len(measured) < 20
    assert "No rate is known at which sync meets" in sentence((found,))


def test_a_service_without_an_answer_is_not_searched() -> None:
    found, measured = finish(
        capacity_search(CASE, asked(), EFFORT),
        lambda _: Outcome("", None, Validity.of(("sync did not start.",)), None),
    )
    assert {trial.phase for trial, _ in measured} == {"sweep"}
    assert found == ()


def test_a_measurement_that_cannot_be_made_ends_the_search_without_a_rate() -> None:
    def late(trial: Trial) -> Outcome:
        outcome = Queue().outcome(trial)
        if trial.phase == "sweep":
            return outcome
        slow = make.quantiles([500_000.0])
        assert outcome.result is not None
        result = replace(outcome.result, response_time_us=slow)
        return replace(outcome, result=result, validity=Validity.of((LATE,)))

    (found,), measured = finish(capacity_search(CASE, asked(), EFFORT), late)
    assert found.rate_rps is None
    assert found.why_none == f"no step could be measured: {LATE}"
    assert len([1 for trial, _ in measured if trial.phase == "capacity"]) == 6


def test_a_service_that_bears_all_that_was_tried_bears_at_least_that() -> None:
    def answer(trial: Trial) -> Outcome:
        queue = Queue(servers=200) if trial.phase == "capacity" else Queue()
        return queue.outcome(trial)

    (found,), _ = finish(capacity_search(CASE, asked(), EFFORT), answer)
    assert found.at_least
    assert found.interval is None
    assert "at least" in sentence((found,))


def window(**changes: object) -> Outcome:
    good = replace(
        plain(),
        planned=1000,
        ok=1000,
        in_flight=0,
        response_time_us=make.quantiles([10_000.0]),
        throughput_rps=500.0,
    )
    hang = changes.pop("hang", None)
    reasons = changes.pop("reasons", ())
    died = changes.pop("died", None)
    outcome = make.outcome(replace(good, **changes))  # type: ignore[arg-type]
    return replace(
        outcome,
        hang=hang,  # type: ignore[arg-type]
        validity=Validity.of(reasons),  # type: ignore[arg-type]
        service=ServiceExit(died),  # type: ignore[arg-type]
    )


# At 500/s some 200 are under way: at the end of the window too, and, after a warm-up that is
# longer than an answer takes, at its beginning.
SLOWLY = make.quantiles([400_000.0])
WARM = (make.interval(0.0, 200, end_s=0.5, warmup=True),)
SLOW = {"response_time_us": make.quantiles([150_000.0])}


@pytest.mark.parametrize(
    ("outcome", "verdict", "why"),
    [
        (window(), "met", ""),
        (window(**SLOW), "missed", "p99 was 150 ms"),
        (window(failed=30), "missed", "errors was 2.9 %"),
        (window(in_flight=200), "missed", "it fell behind"),
        (window(in_flight=200, carried_in=190, intervals=WARM), "met", ""),
        (window(in_flight=200, service_time_us=SLOWLY), "met", ""),
        (window(in_flight=200, service_time_us=SLOWLY, intervals=WARM), "missed", "200 of 1000"),
        (window(reasons=(SCHEDULE,)), "missed", "schedule not held"),
        (window(hang=make.hung_result().silence), "missed", "no answer for"),
        (window(died=1, reasons=("the service died during the load",)), "missed", "the service"),
        (window(reasons=(LATE,)), "met", ""),
        (window(reasons=(LATE,), **SLOW), "unknown", LATE),
        (window(reasons=(LATE, SCHEDULE)), "unknown", LATE),
        (window(reasons=("the what-if tokens=5 was not imposed: no",)), "unknown", "what-if"),
        (Outcome("", None, Validity.of(("it did not start",)), None), "unknown", "did not start"),
    ],
)
def test_a_step_is_judged_by_who_is_to_blame(outcome: Outcome, verdict: str, why: str) -> None:
    step = judged(500.0, BOUNDS, outcome)
    assert step.verdict == verdict
    assert why in step.why


@pytest.mark.parametrize(
    "text",
    [
        "throughput > 5",
        "p99 < 5ms at 48 connections",
        "no finding of severity error",
        "p99 not more than 5 % above baseline",
    ],
)
def test_an_objective_that_no_window_can_be_held_against_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        checked(parse_objectives(text))


def capacity(name: str, rate: float, half: float, resource: str | None) -> Capacity:
    limit = Limit(resource, None, "", rate) if resource else None
    interval = (rate - half, rate + half)
    return Capacity(name, "p99 < 50 ms", rate, interval, False, "", limit, (), (), None)


CPU = "the event loop's CPU"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            (capacity("sync", 612, 17, CPU), capacity("async", 1152, 38, CPU)),
            "sync stands up to 610 ± 20 req/s, async to 1,150 ± 40; beyond, the event loop's CPU "
            "is the limit.",
        ),
        (
            (capacity("sync", 612, 17, "a lock"), capacity("async", 1152, 38, None)),
            "sync stands up to 610 ± 20 req/s, async to 1,150 ± 40; beyond, a lock is the limit of "
            "sync.",
        ),
        (
            (capacity("sync", 6.12, 0.17, None),),
            "sync stands up to 6.1 ± 0.2 req/s; what gives out beyond was not seen.",
        ),
    ],
)
def test_the_answer_is_a_sentence(found: tuple[Capacity, ...], text: str) -> None:
    assert sentence(found) == text


@pytest.mark.parametrize(
    ("rate", "half", "text"),
    [(612, 17, "610 ± 20"), (12345, 940, "12,300 ± 1,000"), (99.6, 9.2, "100 ± 10")],
)
def test_a_rate_has_the_digits_that_are_known(rate: float, half: float, text: str) -> None:
    assert rate_words(capacity("a", rate, half, None)) == text


def test_a_kept_run_shows_the_answer_as_the_search_did() -> None:
    found, measured = find(Queue(), effort=replace(EFFORT, budget_s=30))
    record = make.run_record(case=CASE, trials=measured)
    text = render_markdown(build_comparison(record))
    assert found.rate_rps is not None
    assert sentence((found,)) in text
