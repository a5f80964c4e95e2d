"""Each framework under each server: it is served, seen from inside, and its fault is found."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncline.experiment import run_experiment
from syncline.finding import Finding
from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.store import Store
from tests.frameworks.matrix import PAIRS, Pair, case, experiment, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "frameworks.md"


@functools.cache
def ran(pairs: tuple[Pair, ...]) -> RunRecord:
    """One run for all of them: databases start once."""
    with (
        tempfile.TemporaryDirectory(prefix="syncline-frameworks-") as place,
        Store.open(Path(place) / "runs.db") as store,
    ):
        return run_experiment(case(pairs), experiment(pairs), store=store)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one pair."""

    outcome: Outcome
    findings: tuple[Finding, ...]


def seen(pair: Pair, pairs: tuple[Pair, ...]) -> Seen:
    record = ran(pairs)
    (outcome,) = [one for trial, one in record.trials if trial.variant.name == pair.name]
    return Seen(outcome, tuple(one for one in record.findings if one.variant == pair.name))


def check(pair: Pair, found: Seen) -> None:
    outcome = found.outcome
    assert outcome.result is not None, outcome.validity.reasons
    assert outcome.result.ok > 0
    assert outcome.result.failed == 0, outcome.result.error_samples
    names = set(outcome.series)
    assert "probe.requests_total" in names, sorted(names)
    assert pair.interface == "wsgi" or "probe.loop_lag_max_ms" in names
    assert pair.fault != "pool-exhausted" or "probe.pool_size" in names
    routes = {one.data.get("route") for one in outcome.observations if one.kind == "route"}
    assert pair.route in routes, routes
    assert pair.fault in {one.code for one in found.findings}, found.findings


@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("pair", [one for one in PAIRS if one.always], ids=lambda one: one.name)
def test_a_framework_is_served_seen_and_its_fault_found(pair: Pair) -> None:
    check(pair, seen(pair, tuple(one for one in PAIRS if one.always)))


@pytest.mark.matrix
@pytest.mark.postgres
@pytest.mark.valkey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("pair", [one for one in PAIRS if not one.always], ids=lambda one: one.name)
def test_further_pairs_of_framework_and_server(pair: Pair) -> None:
    check(pair, seen(pair, tuple(one for one in PAIRS if not one.always)))


def test_the_page_lists_what_is_tried() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8")
