"""Hangs, blame, ratios and secrets: the pure part of an experiment."""

from __future__ import annotations

import math
from typing import Any

import pytest

from syncline.hang import hang_of
from syncline.judge import blame, exit_code
from syncline.mask import mask, mask_command_line
from syncline.outcome import LoadResult, Outcome, Silence, Validity
from syncline.record_json import run_json
from syncline.stats import compare, ratio_interval
from syncline.trial import Load, Trial, Variant
from tests.unit.factories import (
    case,
    dead_result,
    hung_result,
    load_result,
    outcome,
    quantiles,
    run_record,
    with_rate,
)


@pytest.mark.parametrize(
    ("silence", "changes", "hangs"),
    [
        (None, {}, False),
        (Silence(3.9, 1.1, until_end=True), {}, True),
        (Silence(0.5, 1.9), {}, False),
        (Silence(0.5, 2.1), {}, True),
        (Silence(0.5, 2.9), {"duration_s": 10.0}, False),
        (Silence(0.5, 3.1), {"duration_s": 10.0}, True),
        # A slow service: an answer takes 1.5 s, so a pause of 2 s is nothing.
        (Silence(3.0, 2.0, until_end=True), {"service_time_us": quantiles([1.5e6] * 9)}, False),
        # Time-outs of 2 s in the same histogram say nothing about how slow answers are.
        (
            Silence(0.2, 2.8, until_end=True),
            {"service_time_us": quantiles([2e6] * 9), "ok": 0, "timed_out": 200},
            True,
        ),
    ],
)
def test_a_silence_is_a_hang_if_it_is_long_for_this_service(
    silence: Silence | None, changes: dict[str, Any], hangs: bool
) -> None:
    assert hang_of(load_result(silence=silence, **changes)) == (silence if hangs else None)


def invalid(*reasons: str, **changes: Any) -> Outcome:
    return outcome(load_result(validity=Validity.of(reasons), **changes))


@pytest.mark.parametrize(
    ("given", "who"),
    [
        (outcome(load_result()), "nobody"),
        (outcome(hung_result()), "service"),
        (invalid("errors dominate: 9 of 10 requests failed or timed out"), "service"),
        (invalid("the service died during the load, by signal 9"), "service"),
        (invalid("schedule not held: 9 of 99 planned requests were not sent"), "nobody"),
        (invalid("schedule not held: 9 of 99", "generator saturated: late"), "measurement"),
        (invalid("Little's law broken: 64 connections, but 2 in flight"), "measurement"),
        (invalid("generator saturated: it was kept from running"), "measurement"),
        (
            outcome(hung_result(validity=Validity.of(("generator saturated: no ports",)))),
            "measurement",
        ),
        (outcome(hung_result(validity=Validity.of(("Little's law broken",)))), "service"),
        (Outcome("…", None, Validity.of(("did not start",)), None), "measurement"),
    ],
)
def test_blame_tells_a_bad_service_from_a_bad_measurement(given: Outcome, who: str) -> None:
    assert blame(given) == who


def test_a_hang_of_a_variant_whose_author_saw_one_is_a_good_run() -> None:
    assert exit_code(run_record({("sync", 48): outcome(hung_result())})) == 0


def test_a_hang_of_a_variant_that_is_not_known_to_is_a_failure() -> None:
    results = {("sync", 48): outcome(hung_result()), ("async", 48): outcome(hung_result())}
    assert exit_code(run_record(results)) == 1
    assert exit_code(run_record(results, case=case(faulty=("async",)))) == 0


def test_an_invalid_measurement_outweighs_a_failure() -> None:
    results = {("sync", 1): invalid("generator saturated"), ("async", 1): outcome(hung_result())}
    assert exit_code(run_record(results)) == 3
    assert exit_code(run_record(results, status="interrupted")) == 130


def trials(rates: dict[tuple[str, int], LoadResult]) -> list[tuple[Trial, Outcome]]:
    return [
        (Trial("users", Variant(name, app="a:b"), Load(48, 2.0), repeat), outcome(result))
        for (name, repeat), result in rates.items()
    ]


def test_a_single_pair_has_a_ratio_and_no_verdict() -> None:
    found = compare(trials({("a", 0): with_rate(100.0), ("b", 0): with_rate(150.0)}))
    rate = next(item for item in found if item.metric == "throughput_rps")
    assert rate.ratio == pytest.approx(1.5)
    assert rate.interval is None
    assert rate.verdict is None
    assert "noise is not known" in rate.reason


def test_repeats_give_an_interval_and_a_verdict_by_the_metrics_direction() -> None:
    rates = {
        (name, n): with_rate(base + n)
        for name, base in (("a", 100.0), ("b", 150.0))
        for n in range(4)
    }
    found = {item.metric: item for item in compare(trials(rates))}
    low, high = found["throughput_rps"].interval or (0.0, 0.0)
    assert 1.4 < low < 1.5 < high < 1.6
    assert found["throughput_rps"].verdict == "better"


def test_a_hang_has_no_ratio_and_says_why() -> None:
    found = compare(trials({("a", 0): hung_result(), ("b", 0): with_rate(150.0)}))
    assert {(item.ratio, item.reason) for item in found} == {(None, "a hung")}


def test_the_interval_is_that_of_students_t() -> None:
    # R: t.test(c(0.1, 0.2, 0.3))$conf.int is -0.04841377 0.44841377.
    low, high = ratio_interval([0.1, 0.2, 0.3]) or (0.0, 0.0)
    assert math.log(low) == pytest.approx(-0.04841377, abs=1e-4)
    assert math.log(high) == pytest.approx(0.44841377, abs=1e-4)


def test_the_json_of_a_run_has_the_fields_of_the_contract() -> None:
    data = run_json(run_record())
    assert data["schema"] == 1
    assert data["findings"] == []
    hung = next(item for item in data["trials"] if item["hang"])
    assert (hung["variant"], hung["load"]["schedule"], hung["load"]["connections"]) == (
        "sync",
        "closed",
        48,
    )
    assert hung["hang"] == {"from_s": 0.4, "longest_s": 1.6, "until_end": True}
    assert hung["result"]["errors"] == {"response-timeout": 3}


def test_absent_knowledge_is_null_in_the_json() -> None:
    data = run_json(run_record({("sync", 48): outcome(dead_result())}))
    assert data["trials"][0]["result"]["service_time_us"] is None
    assert data["trials"][0]["validity"]["status"] == "invalid"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://me:hunter2@db:5/x", "postgresql://me:***@db:5/x"),
        ("redis://:p@ss@h", "redis://:***@h"),
        ("mysql+pymysql://u:a%40b@h/d?ssl=1", "mysql+pymysql://u:***@h/d?ssl=1"),
        ("password=abc; user=me", "password=***; user=me"),
        ("GET /?api_key=abc&x=1", "GET /?api_key=***&x=1"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("http://127.0.0.1:8000/a@b", "http://127.0.0.1:8000/a@b"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_not(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_the_word_after_a_secret_option_is_masked() -> None:
    typed = ("syncline", "--token", "abc", "--db-password=x", "--out", "here")
    assert mask_command_line(typed) == (
        "syncline",
        "--token",
        "***",
        "--db-password=***",
        "--out",
        "here",
    )
