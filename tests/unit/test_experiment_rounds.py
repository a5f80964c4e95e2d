"""Rounds of an experiment: fresh services for each, and rest before every load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syncline.design import repeated
from syncline.experiment import run_experiment
from syncline.store import Store
from syncline.trial import Load, sweep
from tests.unit.factories import case, run_record
from tests.unit.fakes import World


def test_each_round_has_services_of_its_own_and_rest_before_each_load(tmp_path: Path) -> None:
    world, asked = World(), case()

    def rest() -> float:
        world.journal.append("rest")
        return 0.0

    record = run_experiment(
        asked,
        repeated(sweep(asked, ("sync", "async"), (Load(1, 2.0),)), 2),
        store=Store.open(tmp_path / "runs.db"),
        environment=run_record().environment,
        tools=replace(world.tools(), cool_down=rest),
    )
    assert world.journal == [
        "open",
        *("start sync", "rest", "load sync 1", "start async", "rest", "load async 1"),
        *("stop sync", "stop async"),
        *("start async", "rest", "load async 1", "start sync", "rest", "load sync 1"),
        *("stop sync", "stop async"),
        "remove",
    ]
    assert {found.pairs for found in record.comparisons} == {2}
    assert {found.baseline for found in record.comparisons} == {"sync"}


def test_after_a_load_that_writes_the_data_are_prepared_anew(tmp_path: Path) -> None:
    world = World()
    asked = case(backends=("postgres",), prepare="fill")
    loads = (Load(1, 2.0, name="insert", writes=True), Load(2, 2.0))
    run_experiment(
        asked,
        sweep(asked, ("sync", "async"), loads),
        store=Store.open(tmp_path / "runs.db"),
        environment=run_record().environment,
        tools=world.tools(),
    )
    assert world.journal[1:-1] == [
        *("provide postgres {}", "prepare fill", "start sync", "load sync 1"),
        *("stop sync", "prepare fill", "start async", "load async 1"),
        *("stop async", "prepare fill", "start sync", "load sync 2"),
        *("start async", "load async 2"),
        *("stop async", "stop sync", "close postgres"),
    ]
