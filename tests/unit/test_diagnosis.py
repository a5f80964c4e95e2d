"""The diagnosis as a whole: pure, ordered, complete, and safe with whatever it is given."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, get_args

import pytest

from syncline.codec import from_json, to_json
from syncline.diagnosis import CATALOGUE, diagnose
from syncline.diagnosis.order import EXPLAINS
from syncline.diagnosis.weigh import Sign, confidence, sign
from syncline.finding import Code, Finding, Verification
from syncline.outcome import Observation, Outcome, Series, Validity
from syncline.record_json import run_json
from syncline.trial import Variant
from tests.unit import factories as make
from tests.unit import (
    test_diagnosis_outside,
    test_diagnosis_pools,
    test_diagnosis_runtime,
    test_diagnosis_work,
)
from tests.unit.diagnosing import Case, Pair, cpu, good, hung, pool, threads, trial

CASES: tuple[Case, ...] = (
    *test_diagnosis_pools.CASES,
    *test_diagnosis_runtime.CASES,
    *test_diagnosis_work.CASES,
    *test_diagnosis_outside.CASES,
)
CODES: tuple[Code, ...] = get_args(Code)
LISTED = [
    "pool-exhausted",
    "pool-unfair",
    "pool-deadlock",
    "connection-budget",
    "overflow-churn",
    "connection-leak",
    "held-in-transaction",
    "loop-blocked",
    "thread-pool-saturated",
    "gil-bound",
    "cpu-bound",
    "lock-contention",
    "n-plus-one",
    "database-bound",
    "held-upstream",
    "payload-bound",
    "logging-overhead",
    "cache-ineffective",
    "cache-stampede",
    "memory-growth",
    "descriptor-leak",
    "connections-starved",
    "accept-queue-full",
    "keep-alive-off",
    "errors-dominate",
    "hang",
    "crash",
    "generator-bound",
    "not-steady",
    "noisy",
    "healthy",
]


def test_the_codes_are_those_that_users_gate_on() -> None:
    assert list(CODES) == LISTED


def test_every_code_is_explained_and_tried_at_least_twice() -> None:
    assert set(CATALOGUE) == set(CODES)
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert entry.meaning
        assert entry.mechanism
        assert entry.evidence
        assert entry.remedies
    tried = [case.code for case in CASES]
    assert [code for code in CODES if tried.count(code) < 2] == []


def test_a_cause_stands_before_what_it_explains() -> None:
    place = {code: number for number, code in enumerate(EXPLAINS)}
    for code, follows in EXPLAINS.items():
        assert [one for one in follows if place.get(one, len(place)) <= place[code]] == []


def test_the_order_of_the_trials_makes_no_difference() -> None:
    pairs = [
        pair
        for number, case in enumerate(CASES)
        for asked, outcome in case.fires()
        for pair in [(replace(asked, variant=_named(asked.variant, number % 5)), outcome)]
    ]
    before = diagnose(pairs)
    mixed = random.Random(7).sample(pairs, len(pairs))
    assert diagnose(mixed) == before == diagnose(pairs)


def _named(variant: Variant, number: int) -> Variant:
    return replace(variant, name=f"{variant.name}-{number}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.name}")
def test_a_finding_survives_its_json(case: Case) -> None:
    for found in diagnose(case.fires()):
        data = json.loads(json.dumps(to_json(found), allow_nan=False))
        assert from_json(Finding, data) == found
        assert found.evidence
        assert 0.5 <= found.confidence < 1
        assert found.verification is None


def test_the_run_carries_its_findings_in_the_promised_shape() -> None:
    findings = diagnose([trial(None, hung(), 200)])
    proven = replace(findings[0], verification=Verification("improved", 1.9, (1.7, 2.1)))
    (data,) = run_json(replace(make.run_record(), findings=(proven,)))["findings"]
    promised = ("code", "severity", "confidence", "variant", "level", "summary", "evidence")
    assert {*promised, "fix", "verification"} <= set(data)
    assert data["code"] == "hang"
    assert {*data["evidence"][0]} == {"metric", "value", "threshold", "at_s", "observer"}
    shown = {name: data["verification"][name] for name in ("status", "ratio", "interval")}
    assert shown == {"status": "improved", "ratio": 1.9, "interval": [1.7, 2.1]}


def test_confidence_is_earned_and_lost() -> None:
    half, strong = sign(0.5, "m", 1), sign(0.9, "m", 1)
    assert confidence([]) == 0
    assert confidence([half, half]) == 0.75
    assert confidence([strong, half]) > confidence([strong])
    assert confidence([strong], [half]) == 0.45
    assert confidence([Sign(1.0, half.evidence)]) < 1


def test_one_variant_does_not_answer_for_another() -> None:
    other = Variant("async", app="c:d")
    found = diagnose([trial(None, hung(), 200), trial(cpu(0.3), variant=other)])
    assert [(one.variant, one.code) for one in found] == [("sync", "hang"), ("async", "healthy")]


def test_a_finding_names_the_trial_that_shows_it() -> None:
    asked, stood = trial(None, hung(), 200)
    inserts = replace(asked, load=replace(asked.load, name="insert"), repeat=2)
    (found,) = diagnose([(inserts, stood)])
    assert (found.load, found.level, found.trial) == ("insert", 200, inserts.identity)


def test_a_good_service_under_full_load_gets_no_warning() -> None:
    # A closed loop always ends in some queue; with the core used up, that is no fault of it.
    queues = pool() | threads() | cpu(0.99)
    for level in (1, 16, 48, 200):
        found = diagnose([trial(queues, good(level), level)])
        assert {one.severity for one in found} == {"info"}
        assert "healthy" in [one.code for one in found]


def test_nothing_is_said_of_what_was_not_run() -> None:
    asked, _ = trial()
    assert diagnose([]) == ()
    assert diagnose([(asked, Outcome(make.STARTED, None, Validity(), None))]) == ()


WEIRD: tuple[Any, ...] = (None, "x", -1, 10**400, 1e308, True, [], {}, [[1]], {"pools": [3, None]})
KINDS = ("stacks", "route", "pool", "settings", "loop-blocked", "statement", "idle-statement")
FIELDS = ("where", "lag_ms", "threads", "tasks", "requests", "pools", "limit", "repeated", "before")


@pytest.mark.parametrize("seed", range(20))
def test_nonsense_from_the_service_does_no_harm(seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        Observation(
            chance.choice(("probe", "postgres")),
            chance.choice(KINDS),
            "text",
            None,
            {name: chance.choice(WEIRD) for name in (*FIELDS, "statements", "calls", "share")},
        )
        for _ in range(40)
    ]
    names = [name for case in CASES for _, left in case.fires() for name in left.series]
    series = {
        name: Series("1", (0.5, 1.0, 2.0), (chance.choice((None, 0.0, -5.0, 1e300)),) * 3)
        for name in chance.sample(sorted(set(names)), 20)
    }
    pair: Pair = trial(None, chance.choice((good, hung))(200), 200, observations=rows)
    json.dumps(to_json(diagnose([(pair[0], replace(pair[1], series=series))])), allow_nan=False)
