"""Rounds, budgets, precision and selection lay an experiment out as they say."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from syncline.design import (
    repeated,
    selected,
    shortfalls,
    time_s,
    trial_name,
    until_precise,
    within_budget,
)
from syncline.errors import UsageError
from syncline.experiment.drive import drive
from syncline.plan import constant_rate
from syncline.search import Measured, Search
from syncline.stats import compare
from syncline.trial import Experiment, Load, Trial, Variant, sweep
from tests.unit.factories import case, hung_result, outcome, with_rate


def one_round(*names: str, levels: tuple[int, ...] = (1, 48), warmup_s: float = 0.2) -> Experiment:
    chosen = names or ("a", "b")
    asked = case(variants=tuple(Variant(name, app="a:b") for name in chosen))
    return sweep(asked, chosen, tuple(Load(level, 2.0, warmup_s=warmup_s) for level in levels))


def order(experiment: Experiment, connections: int) -> list[str]:
    """The variants at one level, a word per round."""
    words: dict[int, str] = {}
    for trial in experiment.trials:
        if trial.load.connections == connections:
            words[trial.repeat] = words.get(trial.repeat, "") + trial.variant.name
    return [words[turn] for turn in sorted(words)]


def test_rounds_mirror_each_other_and_the_first_is_as_asked() -> None:
    six = repeated(one_round("a", "b", "c"), 6, seed=3)
    for level in (1, 48):
        words = order(six, level)
        assert words[0] == "abc"
        assert [word[::-1] for word in words[::2]] == words[1::2]
        assert all(sorted(word) == ["a", "b", "c"] for word in words)
    assert six.fresh
    assert [trial.repeat for trial in six.trials] == sorted(trial.repeat for trial in six.trials)
    assert "6 rounds" in six.purpose
    assert "seed 3" in six.purpose


def test_the_order_is_drawn_by_the_seed_alone() -> None:
    first, again, other = (repeated(one_round(*"abcdef"), 8, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [t.variant.name for t in first.trials] != [t.variant.name for t in other.trials]


def test_a_pair_sends_the_same_requests_and_each_round_others() -> None:
    two = repeated(one_round(levels=(1,)), 2, seed=10)
    assert [trial.seed for trial in two.trials] == [10, 10, 11, 11]
    assert len({trial.identity for trial in two.trials}) == 4


def test_one_repeat_is_the_round_itself() -> None:
    once = one_round()
    assert repeated(once, 1) == once


def test_a_drift_with_time_does_not_favour_who_runs_first() -> None:
    # The machine slows by a hundredth with every trial; both variants are the same.
    measured = tuple(
        (trial, outcome(with_rate(1000.0 * 0.99**place)))
        for place, trial in enumerate(repeated(one_round(levels=(1,)), 8).trials)
    )
    found = compare(measured)[0]
    assert found.ratio == pytest.approx(1.0, abs=1e-3)
    assert found.verdict == "no difference shown"
    in_turn = tuple(
        (replace(trial, variant=Variant("ab"[place % 2], app="a:b")), one)
        for place, (trial, one) in enumerate(measured)
    )
    assert compare(in_turn)[0].verdict == "worse", "the order as a mutant would have it"


@pytest.mark.parametrize("budget_s", [30.0, 60.0, 180.0, 900.0])
def test_a_budget_is_kept_and_used(budget_s: float) -> None:
    plan = within_budget(one_round(), budget_s, backends=1)
    assert plan.time_s == time_s(plan.experiment.trials, fresh=True, backends=1)
    assert 0.85 * budget_s < plan.time_s <= budget_s
    assert plan.rounds == len({trial.repeat for trial in plan.experiment.trials}) >= 2
    assert all(trial.load.duration_s - trial.load.warmup_s >= 1 for trial in plan.experiment.trials)


def test_more_time_makes_more_rounds() -> None:
    rounds = [within_budget(one_round(), budget).rounds for budget in (40.0, 120.0, 600.0)]
    assert rounds == sorted(rounds)
    assert rounds[-1] > rounds[0]


def test_a_budget_that_is_too_short_says_what_it_takes() -> None:
    with pytest.raises(UsageError, match=r"--budget 10s is too short: .* at least (\d+) s") as told:
        within_budget(one_round(), 10.0)
    least_s = int(str(told.value).split("at least ")[1].split()[0])
    assert within_budget(one_round(), least_s).rounds == 2


def perform(search: Search[Measured], noise: float, ratio: float = 1.1) -> tuple[Measured, int]:
    """Runs a search on a machine of that noise; all that was measured, and in how many rounds."""
    draw, rounds = random.Random(1), 0

    def measure(experiment: Experiment) -> Measured:
        nonlocal rounds
        rounds += 1
        return tuple(
            (trial, outcome(with_rate(100.0 * draw.gauss(1, noise) * factor)))
            for trial in experiment.trials
            for factor in [ratio if trial.variant.name == "b" else 1]
        )

    return drive(search, measure), rounds


def test_rounds_are_added_until_the_intervals_are_narrow() -> None:
    measured, rounds = perform(until_precise(one_round(), 0.05, 10_000.0), noise=0.05)
    assert 6 < rounds < 40
    assert shortfalls(measured, 0.05) == ()
    counts = [sum(trial.load.connections == level for trial, _ in measured) for level in (1, 48)]
    assert min(counts) < max(counts), "the level that is precise is not measured on"


def test_a_quiet_machine_needs_no_more_than_the_first_look() -> None:
    measured, rounds = perform(until_precise(one_round(), 0.05, 10_000.0), noise=0.005)
    assert rounds == 6
    assert shortfalls(measured, 0.05) == ()


def test_time_that_is_up_is_told_with_what_it_would_take() -> None:
    measured, rounds = perform(until_precise(one_round(), 0.01, 80.0), noise=0.05)
    assert 2 < rounds <= 80 / 8
    left = shortfalls(measured, 0.01)
    assert {one.candidate for one in left} == {"b"}
    assert all(one.rounds_needed and one.rounds_needed > rounds for one in left)


def test_a_variant_that_hangs_is_not_measured_for_ever() -> None:
    def hang(experiment: Experiment) -> Measured:
        return tuple((trial, outcome(hung_result())) for trial in experiment.trials)

    measured = drive(until_precise(one_round(levels=(48,)), 0.05, 10_000.0), hang)
    assert len(measured) == 2 * 6
    assert [(one.candidate, one.ratio) for one in shortfalls(measured, 0.05)] == [("b", None)]


def test_trials_are_chosen_by_their_names() -> None:
    asked = one_round("sync", "async", "async@granian-w2", levels=(1, 48))

    def left(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
        return [trial_name(trial) for trial in selected(asked, include, exclude).trials]

    assert left(("sync",)) == ["sync/read/1", "sync/read/48"]
    assert left(("async*/read/48",)) == ["async/read/48", "async@granian-w2/read/48"]
    assert left(exclude=("48", "*granian*")) == ["sync/read/1", "async/read/1"]
    assert len(left()) == 6
    with pytest.raises(UsageError, match=r"--include wsgi fits no trial; there are: sync/read/1"):
        left(("wsgi",))
    with pytest.raises(UsageError, match="leave no trial"):
        left(("sync",), ("sync",))


def test_a_rate_is_part_of_a_trials_name() -> None:
    load = Load(64, 2.0, schedule=constant_rate(2000.0), name="put")
    assert trial_name(Trial("e", Variant("a", app="a:b"), load)) == "a/put/64@2000"
