"""A search that was ended goes on: kept as JSON, it asks for the same trials again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from syncline.capacity import Asked, Effort, capacity_search, checked
from syncline.cli.resume import search_of
from syncline.codec import from_json, to_json
from syncline.errors import PlanError
from syncline.objective import parse_objectives
from syncline.outcome import Outcome
from syncline.record import RunRecord, Settings
from syncline.search import Search
from syncline.sought import Sought, of_capacity, of_tuning
from syncline.trial import Case, Load, Trial, Variant
from syncline.tune import Asked as TuneAsked
from syncline.tune import settings_of, tune_search
from tests.unit.factories import run_record
from tests.unit.simulated import Queue, finish

BOUNDS = checked(parse_objectives("p99<100ms,errors<1%"))
CASE = Case("shop", "", "", (Variant("sync", app="a:b"),), ("sync",), (Load(4, 1.0),), ())
ASKED = Asked(("sync",), Load(4, 1.0), BOUNDS, levels=(1, 4, 8), arrivals="poisson", seed=7)
EFFORT = Effort(60.0, step_s=2.0, warmup_s=0.4)
TUNED = TuneAsked("sync", settings_of("pool_size=5,10,20"), Load(8, 2.0), BOUNDS, 90.0)
SEARCHES: list[tuple[Callable[[], Search[object]], Sought]] = [
    (lambda: capacity_search(CASE, ASKED, EFFORT), of_capacity(ASKED, EFFORT)),
    (lambda: tune_search(CASE, TUNED), of_tuning(TUNED)),
]


def ended(sought: Sought) -> RunRecord:
    """A run that was ended, as it comes out of a store."""
    settings = from_json(Settings, json.loads(json.dumps(to_json(Settings(sought=sought)))))
    return replace(run_record(), case=CASE, status="interrupted", settings=settings)


@pytest.mark.parametrize(("search", "sought"), SEARCHES, ids=["capacity", "tuning"])
def test_a_search_goes_on_with_the_same_trials_and_comes_to_the_same(
    search: Callable[[], Search[object]], sought: Sought
) -> None:
    answers: dict[str, Outcome] = {}
    whole_answer, whole = finish(search(), Queue().outcome)
    kept = {trial.identity: outcome for trial, outcome in whole[: len(whole) // 2]}

    def answer(trial: Trial) -> Outcome:
        if trial.identity not in kept:
            answers[trial.identity] = Queue().outcome(trial)
        return kept.get(trial.identity) or answers[trial.identity]

    again_answer, again = finish(search_of(ended(sought)), answer)
    assert [trial.identity for trial, _ in again] == [trial.identity for trial, _ in whole]
    assert len(answers) == len(whole) - len(kept), "what was kept is not measured again"
    assert again_answer == whole_answer


def test_a_search_of_another_version_is_refused_before_anything_runs() -> None:
    with pytest.raises(PlanError, match="no search of the kind 'moon'"):
        search_of(ended({"kind": "moon"}))
    with pytest.raises(PlanError, match=r"sought\.asked has an unknown field 'moon'"):
        search_of(ended({"kind": "tuning", "asked": {"moon": 1}}))
