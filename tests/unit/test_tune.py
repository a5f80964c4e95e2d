"""Tuning finds the settings that may be the best, and calls none the best that is tied."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from syncline.errors import UsageError
from syncline.objective import parse_objective
from syncline.outcome import Outcome
from syncline.search import Measured
from syncline.trial import Case, Load, Trial, Variant
from syncline.tune import (
    Asked,
    Standing,
    may_be_best,
    said,
    settings_of,
    shortest_s,
    standings,
    tune_search,
)
from syncline.whatif import label_of
from tests.unit import factories as make
from tests.unit.simulated import finish, plain

SYNC = Variant("sync", app="a:b")
CASE = Case("shop", "", "", (SYNC,), ("sync",), (Load(4, 1.0),), ())
OVER = settings_of("pool_size=5,10,20,tokens=20,40")
Rates = Callable[[str], float]


def noisy(rates: Rates, seed: int, spread: float = 0.03) -> Callable[[Trial], Outcome]:
    """Each setting's rate with noise of its own, and a drift that meets all of a round."""

    def answer(trial: Trial) -> Outcome:
        drift = random.Random(f"{seed} {trial.repeat}").gauss(1, 0.1)
        name = label_of(trial.variant.what_ifs)
        own = random.Random(f"{seed} {trial.repeat} {name}").gauss(1, spread)
        rate = rates(name)
        if rate == 0:
            return replace(make.outcome(make.hung_result()), hang=make.hung_result().silence)
        return make.outcome(replace(plain(), throughput_rps=rate * drift * own))

    return answer


def tuned(
    rates: Rates, seed: int = 1, budget_s: float = 0.0, objective: str = ""
) -> tuple[tuple[Standing, ...], Measured]:
    bounds = (parse_objective(objective),) if objective else ()
    asked = Asked("sync", OVER, Load(48, 2.0), bounds, seed=seed)  # type: ignore[arg-type]
    asked = replace(asked, budget_s=budget_s or 1.5 * shortest_s(asked))
    return finish(tune_search(CASE, asked), noisy(rates, seed))


def known(rates: Mapping[str, float]) -> Rates:
    return lambda name: rates.get(name, 400.0)


def test_all_combinations_are_tried_each_once() -> None:
    assert len(OVER) == 6
    assert {label_of(one) for one in OVER} == {
        f"pool_size={size},tokens={tokens}" for size in (5, 10, 20) for tokens in (20, 40)
    }
    assert settings_of("workers=1, 2,2") == ({"workers": "1"}, {"workers": "2"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5,10",
        "pool_size=",
        "pool=5",
        "tokens=none",
        "tokens=1,tokens=2",
        "tokens=" + ",".join(str(number) for number in range(1, 80)),
    ],
)
def test_a_list_that_cannot_be_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        settings_of(text)


def test_a_clear_winner_is_named_in_nearly_all_runs() -> None:
    best = "pool_size=20,tokens=40"
    rates = known({best: 520.0})
    answers = [tuned(rates, seed)[0] for seed in range(20)]
    assert all(any(one.tied and one.setting == best for one in found) for found in answers)
    alone = [found for found in answers if [one.setting for one in found if one.tied] == [best]]
    assert len(alone) >= 17
    sentence = said(alone[0])
    assert sentence.startswith(f"{best} is the best: {best} gives 1.")
    assert "times the default" in sentence


def test_settings_that_are_alike_are_not_told_apart_and_none_is_called_the_best() -> None:
    calls = 0
    for seed in range(20):
        found, _ = tuned(known({}), seed)
        if sum(one.tied for one in found) > 1:
            text = said(found)
            assert "could not be told apart" in text
            assert "is the best" not in text
        else:
            calls += 1
    assert calls <= 2


def test_nothing_is_better_than_the_default_while_that_is_tied() -> None:
    found, _ = tuned(known({"": 520.0, "pool_size=5,tokens=20": 520.0}), seed=3)
    assert any(one.tied and not one.setting for one in found)
    assert "is the best: pool_size" not in said(found)


def test_the_default_may_be_the_best() -> None:
    found, _ = tuned(known({"": 600.0}))
    assert said(found, "sync") == ("The default (sync) is the best: every other setting is worse.")


def test_a_setting_that_hangs_is_never_chosen_and_the_default_may_hang() -> None:
    found, _ = tuned(known({"": 0.0, "pool_size=5,tokens=40": 0.0, "pool_size=20,tokens=20": 500}))
    by_name = {one.setting: one for one in found}
    assert by_name[""].misses == "hung, died or failed"
    assert not by_name[""].tied
    assert not by_name["pool_size=5,tokens=40"].tied
    assert "the default hung, died or failed" in said(found)


def test_no_setting_is_recommended_if_none_stands() -> None:
    found, _ = tuned(lambda _: 0.0)
    assert said(found).startswith("No setting that was tried can be recommended")


def test_a_setting_that_misses_the_objective_is_not_chosen_however_fast() -> None:
    found, _ = tuned(known({"pool_size=20,tokens=40": 900.0}), objective="throughput > 5 req/s")
    assert found[0].setting == "pool_size=20,tokens=40"
    found, _ = tuned(known({}), objective="p99 < 0.5 ms")
    assert not any(one.tied for one in found)
    assert {one.misses for one in found} == {"misses p99 < 500 us"}


def test_the_default_stays_to_the_end_and_rounds_hold_all_that_are_left() -> None:
    _, measured = tuned(known({}))
    rounds: dict[int, list[str]] = {}
    for trial, _ in measured:
        rounds.setdefault(trial.repeat, []).append(label_of(trial.variant.what_ifs))
    assert all("" in names for names in rounds.values())
    sizes = [len(names) for names in rounds.values()]
    assert sizes[0] == 7
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes[-4:])) == 1
    assert {trial.phase for trial, _ in measured} == {"tuning"}
    assert len({trial.identity for trial, _ in measured}) == len(measured)


def test_the_answer_can_be_told_from_the_trials_alone_also_of_some() -> None:
    found, measured = tuned(known({}))
    assert standings(measured) == found
    assert len(standings(measured[:5])) == 5
    assert standings(()) == ()


def test_of_those_that_may_be_the_best_the_best_is_one() -> None:
    """Simultaneous: over many draws the true best is left out in no more than 5 of 100."""
    lost = 0
    for seed in range(200):
        chance = random.Random(seed)
        drift = [chance.gauss(1, 0.1) for _ in range(5)]
        truth = {"a": 101.0, "b": 100.0, "c": 100.0, "d": 90.0}
        figures = {
            name: {turn: rate * drift[turn] * chance.gauss(1, 0.03) for turn in range(5)}
            for name, rate in truth.items()
        }
        lost += "a" not in may_be_best(figures)
    assert lost <= 12
