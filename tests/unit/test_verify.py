"""A proof says what its trials show: fixed, improved, nothing, worse; and what it left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import pytest

from syncline.finding import Contrast, Evidence, Finding, Fix, Status, Verification
from syncline.outcome import LoadResult, Outcome, Validity
from syncline.plan import constant_rate
from syncline.report.proof import proof_sentences
from syncline.search import Measured
from syncline.trial import Experiment, Load, Trial, Variant
from syncline.verify import DEFAULT, QUICK, Effort, verification, verified
from syncline.verify.design import Task, design
from tests.unit import factories as make
from tests.unit.factories import outcome

SYNC, ASYNC = Variant("sync", app="a:b"), Variant("async", app="c:d")
LEVELS = (12, 48, 200)
Answer = Callable[[Trial], LoadResult | Outcome]


@cache
def with_rate(rps: float) -> LoadResult:
    """A good result; of one built before, since building its histograms takes its time."""
    return replace(one_result(), throughput_rps=rps)


@cache
def one_result() -> LoadResult:
    return make.with_rate(400.0)


@cache
def stands_still() -> LoadResult:
    return make.hung_result()


def finding(code: str = "pool-deadlock", level: int = 200, **changes: object) -> Finding:
    fix = Fix("Open the session inside.", what_if={"admission": "54"})
    value = Finding(code, "error", 0.9, "sync", level, "It stands.", "Why.", (), fix=fix)  # type: ignore[arg-type]
    return replace(value, **changes)  # type: ignore[arg-type]


def sweep(answer: Answer, variants: Sequence[Variant] = (SYNC, ASYNC)) -> Measured:
    trials = [Trial("users", variant, Load(level, 3.0)) for level in LEVELS for variant in variants]
    return tuple((trial, as_outcome(answer(trial))) for trial in trials)


def as_outcome(came: LoadResult | Outcome) -> Outcome:
    return came if isinstance(came, Outcome) else outcome(came)


def is_fixed(trial: Trial) -> bool:
    return bool(trial.variant.what_ifs)


def asked(
    found: Sequence[Finding],
    swept: Measured,
    effort: Effort = DEFAULT,
    answer: Answer | None = None,
) -> tuple[list[Experiment], Measured]:
    """What a verification asks for when its trials go as said, and all that was measured."""
    search = verification(found, swept, effort)
    experiments: list[Experiment] = []
    measured, answers = list(swept), None
    while True:
        try:
            wanted = next(search) if answers is None else search.send(answers)
        except StopIteration:
            return experiments, tuple(measured)
        experiments.append(wanted)
        go = answer or (lambda _: with_rate(500.0))
        answers = tuple((trial, as_outcome(go(trial))) for trial in wanted.trials)
        measured += answers


def deadlock(trial: Trial) -> LoadResult:
    """What the sweep showed: sync stands still at 200 connections."""
    stands = trial.load.connections == 200 and trial.variant.name == "sync"
    return replace(stands_still(), throughput_rps=0.0, ok=0) if stands else with_rate(800.0)


def proof(found: Finding, answer: Answer, swept: Answer = deadlock) -> Verification:
    _, measured = asked((found,), sweep(swept), answer=answer)
    checked = verified((found,), measured)[0].verification
    assert checked is not None
    return checked


def rates(original: Sequence[float], fixed: Sequence[float]) -> Answer:
    """Rates by the number of the pair."""
    return lambda trial: with_rate((fixed if is_fixed(trial) else original)[trial.repeat])


def test_trials_alternate_lightest_load_first_and_a_pair_has_one_seed() -> None:
    (experiment,), _ = asked((finding(),), sweep(deadlock))
    names = [trial.variant.name for trial in experiment.trials]
    fixed = "sync+admission=54"
    assert names == ["sync", fixed, fixed, "sync", "sync", fixed] * 2
    assert [trial.load.connections for trial in experiment.trials] == [48] * 6 + [200] * 6
    assert [trial.seed for trial in experiment.trials] == [1, 1, 2, 2, 3, 3] * 2
    assert {trial.phase for trial in experiment.trials} == {"verification"}
    assert len({trial.identity for trial in experiment.trials}) == 12
    assert "admission=54" in experiment.purpose
    assert "48 and 200" in experiment.purpose


@pytest.mark.parametrize("effort", [DEFAULT, QUICK, Effort(25.0, 2)])
@pytest.mark.parametrize("answer", [deadlock, lambda _: with_rate(800.0)])
def test_the_loads_of_a_proof_stay_within_the_budget(effort: Effort, answer: Answer) -> None:
    experiments, _ = asked((finding(), finding("overflow-churn", 48)), sweep(answer), effort)
    loads_s = sum(trial.load.duration_s for one in experiments for trial in one.trials)
    assert 1 <= len(experiments) <= effort.most
    assert loads_s <= effort.budget_s


def test_a_standstill_has_time_to_show_and_more_time_buys_more_pairs() -> None:
    task = Task(breaks=True, lighter=True, above=False, alone=False, longest_s=3.0)
    little, full = design(task, 15.0), design(task, 40.0)
    assert little is not None
    assert full is not None
    assert little.duration_s >= 2.0
    assert (little.pairs, full.pairs) == (2, 3)
    assert design(task, 5.0) is None


def test_in_a_hurry_a_standstill_is_seen_once_and_the_lighter_load_twice() -> None:
    (experiment,), _ = asked((finding(),), sweep(deadlock), QUICK)
    fixed = "sync+admission=54"
    assert [trial.variant.name for trial in experiment.trials] == [
        *("sync", fixed, fixed, "sync"),
        *("sync", fixed),
    ]
    (churn,), _ = asked((finding("overflow-churn", 48),), sweep(lambda _: with_rate(800.0)), QUICK)
    here = [trial for trial in churn.trials if trial.load.connections == 48]
    assert len(here) >= 4, "a ratio is an estimate, and takes pairs"


def test_findings_without_an_imposable_fix_are_not_tried() -> None:
    found = (
        finding(fix=Fix("Edit the code.")),
        finding(fix=None),
        finding(fix=Fix("No such thing.", what_if={"moon": "full"})),
    )
    assert asked(found, sweep(deadlock))[0] == []
    assert all(one.verification is None for one in verified(found, sweep(deadlock)))


def test_each_code_is_tried_once_before_any_a_second_time() -> None:
    other = finding("overflow-churn", 48)
    found = (finding(), finding(variant="async"), other)
    experiments, _ = asked(found, sweep(deadlock), Effort(80.0, 2))
    assert [one.trials[0].about for one in experiments] == [
        "pool-deadlock of sync",
        "overflow-churn of sync",
    ]


def test_of_one_code_the_finding_that_shows_most_is_tried_first() -> None:
    def churn(variant: str, per_100: float) -> Finding:
        seen = Evidence("new sessions per 100 requests", per_100, 3.0)
        return finding("overflow-churn", 48, variant=variant, evidence=(seen,))

    found = (churn("async", 6.3), churn("sync", 40.8))
    experiments, _ = asked(found, sweep(deadlock), Effort(30.0, 1))
    assert [one.trials[0].about for one in experiments] == ["overflow-churn of sync"]


def test_what_breaks_is_tried_where_it_broke_under_the_heaviest_load() -> None:
    """Under the one that broke first it may have been chance; the lighter one is below that."""

    def from_48_on(trial: Trial) -> LoadResult:
        stands = trial.load.connections >= 48 and trial.variant.name == "sync"
        return replace(stands_still(), throughput_rps=0.0, ok=0) if stands else with_rate(800.0)

    (experiment,), _ = asked((finding("hang", 48),), sweep(from_48_on))
    assert {trial.load.connections for trial in experiment.trials} == {12, 200}
    # One that does not break is tried where it was found: 200 tells nothing of it.
    (experiment,), _ = asked((finding("overflow-churn", 12),), sweep(from_48_on))
    assert {trial.load.connections for trial in experiment.trials} == {12}


def test_of_variants_that_break_the_one_that_breaks_more_often_is_tried_first() -> None:
    def either(trial: Trial) -> LoadResult:
        stands = trial.load.connections >= (200 if trial.variant.name == "sync" else 48)
        return replace(stands_still(), throughput_rps=0.0, ok=0) if stands else with_rate(800.0)

    found = (finding("hang", 200), finding("hang", 48, variant="async"))
    experiments, _ = asked(found, sweep(either), Effort(40.0, 1))
    assert [one.trials[0].about for one in experiments] == ["hang of async"]


def test_a_connection_budget_is_tried_with_no_other_service_beside() -> None:
    one = finding("connection-budget")
    assert [experiment.alone for experiment in asked((one,), sweep(deadlock))[0]] == [True]
    assert not asked((finding(),), sweep(deadlock))[0][0].alone


def test_a_proof_is_tried_under_the_load_that_broke_not_another_of_as_many_connections() -> None:
    both = sweep(deadlock)
    both += tuple(
        (replace(trial, load=replace(trial.load, name="insert")), came) for trial, came in both
    )
    experiments, _ = asked((finding(load="insert"),), both)
    assert {trial.load.name for one in experiments for trial in one.trials} == {"insert"}


def test_fixed_means_that_the_original_stood_still_and_this_did_not() -> None:
    found = proof(
        finding(),
        lambda trial: (
            deadlock(trial)
            if not is_fixed(trial)
            else with_rate({48: 816.0, 200: 790.0 + trial.repeat}[trial.load.connections])
        ),
    )
    assert found.status == "fixed"
    assert found.imposed == {"admission": "54"}
    main, lighter = found.levels
    assert main.original is not None
    assert (main.level, main.pairs, main.original.broke, main.fixed.broke) == (200, 3, 3, 0)
    assert (main.ratio, main.original.rate_rps) == (None, 0.0)
    assert main.fixed.rate_rps == pytest.approx(791, rel=0.01)
    assert main.fixed.interval is not None
    assert main.fixed.interval[0] < 791 < main.fixed.interval[1]
    assert (lighter.level, lighter.status) == (48, "improved")
    # The ratio is what the fix costs where both kept answering.
    assert found.ratio_level == 48
    assert found.ratio == pytest.approx(1.02)
    assert found.interval is not None


@pytest.mark.parametrize(
    ("fixed", "status"),
    [
        ((990.0, 1000.0, 1010.0), "improved"),
        ((390.0, 410.0, 402.0), "no difference shown"),
        ((200.0, 205.0, 201.0), "made worse"),
    ],
)
def test_without_a_standstill_the_interval_of_the_ratio_decides(
    fixed: Sequence[float], status: Status
) -> None:
    one = finding("overflow-churn", 48)
    found = proof(one, rates((400.0, 405.0, 398.0), fixed), lambda _: with_rate(400.0))
    assert found.status == status
    assert found.interval is not None
    assert found.ratio is not None
    assert found.interval[0] < found.ratio < found.interval[1]
    assert found.ratio_level == 48


@pytest.mark.parametrize(("failed", "status"), [(40, "no difference shown"), (470, "fixed")])
def test_requests_that_fail_no_more_are_what_was_fixed(failed: int, status: Status) -> None:
    def answer(trial: Trial) -> LoadResult:
        good = with_rate(500.0)
        lost = 0 if is_fixed(trial) or trial.load.connections < 200 else failed
        return replace(good, ok=1000 - lost, failed=lost)

    found = proof(finding("connection-budget"), answer, answer)
    assert found.status == status
    main = found.levels[0]
    assert main.original is not None
    assert main.original.errors == pytest.approx(failed / 1000)
    assert main.fixed.errors == 0
    said = " ".join(one.text for one in proof_sentences(found))
    assert ("47.0 % of the requests failed" in said) == (status == "fixed")


def test_a_fix_that_stands_still_itself_made_it_worse() -> None:
    def worse(trial: Trial) -> LoadResult:
        return stands_still() if is_fixed(trial) else with_rate(400.0)

    assert proof(finding(), worse, lambda _: with_rate(400.0)).status == "made worse"


def test_a_fix_that_breaks_a_lighter_load_is_no_cure() -> None:
    def moved(trial: Trial) -> LoadResult:
        return (
            stands_still() if is_fixed(trial) == (trial.load.connections == 48) else with_rate(9.0)
        )

    assert proof(finding(), moved).status == "made worse"


def test_both_standing_still_is_no_difference() -> None:
    found = proof(finding(), lambda _: stands_still())
    assert found.status == "no difference shown"
    assert (found.ratio, found.interval, found.ratio_level) == (None, None, None)


def test_a_fix_that_only_moves_the_bound_is_tried_above_it_and_never_called_a_cure() -> None:
    fix = Fix("A bigger pool.", what_if={"pool_size": "200"}, cures=False, bound=250)
    one = finding(fix=fix)

    def moved(trial: Trial) -> LoadResult:
        beyond = trial.load.connections > 250
        return stands_still() if beyond or not is_fixed(trial) else with_rate(700.0)

    experiments, _ = asked((one,), sweep(deadlock))
    last = experiments[0].trials[-1]
    assert (last.load.connections, is_fixed(last)) == (312, True)
    found = proof(one, moved)
    assert found.status == "improved"
    above = next(level for level in found.levels if level.level == 312)
    assert above.original is None
    assert above.fixed.broke == 1


def test_a_trial_that_is_no_measurement_takes_its_pair_along_and_is_named() -> None:
    reason = "generator saturated: it was kept from running"

    def saturated(trial: Trial) -> LoadResult | Outcome:
        good = outcome(with_rate(500.0 + trial.repeat))
        if is_fixed(trial) and trial.repeat in (1, 4) and trial.load.connections == 48:
            return replace(good, validity=Validity.of((reason,)))
        return good

    one = finding("overflow-churn", 48)
    main = proof(one, saturated, lambda _: with_rate(400.0)).levels[0]
    assert main.pairs == 2
    assert main.left_out == (f"sync+admission=54: {reason}",)
    assert main.fixed.trials == 2


def test_what_broke_now_and_then_is_not_fixed_by_a_few_good_trials() -> None:
    def broke_in(*numbers: int) -> Answer:
        def answer(trial: Trial) -> LoadResult | Outcome:
            broken = not is_fixed(trial) and trial.repeat in numbers
            return stands_still() if broken else with_rate(500.0)

        return answer

    assert proof(finding(), broke_in(0)).status == "no difference shown"
    assert proof(finding(), broke_in(0, 1)).status == "fixed"


def test_a_pair_that_was_no_measurement_is_made_up_for_once() -> None:
    def spoilt(*numbers: int) -> Answer:
        def answer(trial: Trial) -> LoadResult | Outcome:
            good = outcome(with_rate(500.0 + trial.repeat))
            bad = trial.repeat in numbers and trial.load.connections == 48 and not is_fixed(trial)
            return replace(good, validity=Validity.of(("generator saturated",))) if bad else good

        return answer

    one, fast = finding("overflow-churn", 48), sweep(lambda _: with_rate(400.0))
    first, again = asked((one,), fast, answer=spoilt(1))[0]
    assert [(trial.load.connections, trial.repeat) for trial in again.trials] == [(48, 4), (48, 4)]
    assert len({trial.identity for trial in (*first.trials, *again.trials)}) == 14
    assert proof(one, spoilt(1), lambda _: with_rate(400.0)).levels[0].pairs == 3
    # Not for ever: what fails again stays left out.
    assert len(asked((one,), fast, answer=spoilt(1, 4))[0]) == 2
    assert proof(one, spoilt(1, 4), lambda _: with_rate(400.0)).levels[0].pairs == 2


def test_nothing_is_made_up_for_on_a_machine_that_took_much_longer_than_foretold() -> None:
    instants = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=20 * n) for n in count())

    def spoilt(trial: Trial) -> LoadResult | Outcome:
        late = replace(outcome(with_rate(500.0)), started=next(instants).isoformat())
        bad = trial.repeat == 1 and trial.load.connections == 48
        return replace(late, validity=Validity.of(("generator saturated",))) if bad else late

    one, fast = finding("overflow-churn", 48), sweep(lambda _: with_rate(400.0))
    assert len(asked((one,), fast, answer=spoilt)[0]) == 1


def test_a_fixed_variant_that_never_ran_proves_nothing() -> None:
    def refused(trial: Trial) -> LoadResult | Outcome:
        if is_fixed(trial):
            return Outcome(
                "2026-01-01T00:00:00.000Z", None, Validity.of(("it ended with status 1",)), None
            )
        return with_rate(400.0)

    found = proof(finding("overflow-churn", 48), refused, lambda _: with_rate(400.0))
    assert found.status == "not measured"
    assert found.ratio is None
    assert found.levels[0].left_out == ("sync+admission=54: it ended with status 1",)


def test_what_was_measured_before_an_interruption_counts() -> None:
    one = finding("overflow-churn", 48)
    _, measured = asked((one,), sweep(lambda _: with_rate(400.0)))
    proofs = [found for found in measured if found[0].phase == "verification"]
    (nothing,) = verified((one,), [*measured[: len(measured) - len(proofs)], proofs[0]])
    assert nothing.verification is None
    (some,) = verified((one,), [*measured[: len(measured) - len(proofs)], *proofs[:2]])
    assert some.verification is not None
    assert some.verification.interval is None
    assert some.verification.status == "no difference shown"


def test_a_fix_for_the_tail_is_judged_by_the_tail() -> None:
    def tail(trial: Trial) -> LoadResult:
        base = with_rate(500.0)
        assert base.service_time_us is not None
        p99 = (600_000.0 if is_fixed(trial) else 5_000_000.0) + trial.repeat
        return replace(base, service_time_us=replace(base.service_time_us, p99=p99))

    fix = Fix("In order.", what_if={"admission": "54"}, metric="p99_us")
    found = proof(finding("overflow-churn", 48, fix=fix), tail, tail)
    assert (found.metric, found.status) == ("p99_us", "improved")
    assert found.ratio == pytest.approx(0.12, abs=0.001)
    said = next(proof_sentences(found)).text
    assert "At 48 connections, 3 pairs: p99 5.00 s → 600 ms, 0.120× (" in said


def test_open_loop_is_judged_by_its_slowest_answers() -> None:
    def slow(trial: Trial) -> LoadResult:
        base = with_rate(500.0)
        assert base.service_time_us is not None
        p99 = (9_000.0 if is_fixed(trial) else 30_000.0) + trial.repeat
        return replace(base, response_time_us=replace(base.service_time_us, p99=p99))

    one = finding("overflow-churn", 48)
    load = Load(48, 3.0, schedule=constant_rate(500))
    trial = Trial("users", SYNC, load)
    _, measured = asked((one,), ((trial, outcome(slow(trial))),), answer=slow)
    found = verified((one,), measured)[0].verification
    assert found is not None
    assert (found.metric, found.status) == ("p99_us", "improved")
    assert found.ratio == pytest.approx(0.3, rel=0.01)


def test_trials_of_another_finding_are_not_taken_for_ones_own() -> None:
    one, other = finding("overflow-churn", 48), finding("cpu-bound", 48)
    _, measured = asked((one,), sweep(lambda _: with_rate(400.0)))
    first, second = verified((one, other), measured)
    assert isinstance(first.verification, Verification)
    assert all(isinstance(level, Contrast) for level in first.verification.levels)
    assert second.verification is None
