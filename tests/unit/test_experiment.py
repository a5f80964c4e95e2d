"""An experiment keeps what it measured and stops what it started, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncline import events
from syncline.errors import MeasurementError, StoreError
from syncline.experiment import run_experiment
from syncline.outcome import LoadResult, Outcome
from syncline.plan import Plan
from syncline.record import RunRecord
from syncline.store import Store
from syncline.trial import Case, Load, Trial, Variant, sweep
from tests.unit.factories import case, hung_result, load_result, run_record
from tests.unit.fakes import World

SYNC = Variant("sync", app="a:b", backends={"postgres": {"max_connections": "20"}})
ASYNC = Variant("async", app="c:d", backends={"postgres": {"max_connections": "20"}})
BIG = Variant("big", app="e:f", backends={"postgres": {"max_connections": "500"}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "runs.db")


def on_postgres(**changes: object) -> Case:
    asked = case(variants=(SYNC, ASYNC, BIG), backends=("postgres",), prepare="fill.it")
    return replace(asked, **changes)  # type: ignore[arg-type]


def perform(
    world: World,
    store: Store,
    asked: Case | None = None,
    variants: tuple[str, ...] = ("sync", "async"),
    observer: events.Observer | None = None,
    **settings: object,
) -> RunRecord:
    asked = asked or on_postgres()
    return run_experiment(
        asked,
        sweep(asked, variants, (Load(1, 2.0), Load(48, 2.0))),
        store=store,
        observer=observer or (lambda _: None),
        environment=run_record().environment,
        tools=world.tools(),
        **settings,  # type: ignore[arg-type]
    )


def test_services_and_the_database_are_started_once_and_all_are_stopped(store: Store) -> None:
    world = World()
    record = perform(world, store)
    assert world.journal == [
        "open",
        "provide postgres {'max_connections': '20'}",
        "prepare fill.it",
        "start sync",
        "load sync 1",
        "start async",
        "load async 1",
        "load sync 48",
        "load async 48",
        "stop async",
        "stop sync",
        "close postgres",
        "remove",
    ]
    assert record.status == "finished"
    assert record.missing == ()
    assert {item.candidate for item in record.comparisons} == {"async"}


def test_a_variant_with_other_settings_gets_a_prepared_database_of_its_own(store: Store) -> None:
    world = World()
    perform(world, store, variants=("sync", "big"))
    assert world.journal.count("prepare fill.it") == 2
    assert "provide postgres {'max_connections': '500'}" in world.journal


def test_the_users_own_server_is_used_by_its_url(store: Store) -> None:
    world = World()
    seen: list[events.Event] = []
    url = "postgresql://me:hunter2@db/x"
    record = perform(
        world,
        store,
        observer=seen.append,
        backend_urls={"postgres": url},
        command_line=("syncline", "run", "users", "--database-url", url),
    )
    assert world.envs == [{"DATABASE_URL": url}] * 2
    assert events.BackendStarting("postgres", "postgresql://me:***@db/x") in seen
    assert "hunter2" not in str(record.command_line)


def test_a_trial_is_in_the_store_before_it_is_said_to_be_finished(store: Store) -> None:
    kept: list[int] = []

    def watch(event: events.Event) -> None:
        match event:
            case events.RunStarted(id=run_id):
                watch.run_id = run_id  # type: ignore[attr-defined]
            case events.TrialFinished():
                kept.append(len(store.load_run(watch.run_id).trials))  # type: ignore[attr-defined]
            case _:
                pass

    perform(World(), store, observer=watch)
    assert kept == [1, 2, 3, 4]


def test_ctrl_c_keeps_the_finished_trials_and_stops_everything(store: Store) -> None:
    def interrupted_at_48(world: World, plan: Plan) -> LoadResult:
        if plan.connections == 48:
            raise KeyboardInterrupt
        return load_result()

    world = World(loads=interrupted_at_48)
    seen: list[events.Event] = []
    record = perform(world, store, observer=seen.append)
    assert record.status == "interrupted"
    assert [trial.load.connections for trial, _ in record.trials] == [1, 1]
    assert len(record.missing) == 2
    assert world.running == []
    assert world.journal[-2:] == ["close postgres", "remove"]
    assert seen[-1] == events.RunEnded("interrupted", 2)


def test_an_error_keeps_the_finished_trials_and_the_run_is_failed(store: Store) -> None:
    def broken(world: World, plan: Plan) -> LoadResult:
        raise MeasurementError("the engine failed")

    world = World(loads=broken)
    with pytest.raises(MeasurementError, match="the engine failed"):
        perform(world, store)
    assert store.runs()[0].status == "failed"
    assert world.running == []


def test_a_store_that_fails_ends_the_run_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run_id: str, trial: Trial, outcome: Outcome) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "add_trial", full)
    world = World()
    with pytest.raises(StoreError, match="the disk is full"):
        perform(world, store)
    assert [step for step in world.journal if step.startswith("load")] == ["load sync 1"]
    assert world.running == []


def test_a_service_that_hung_is_replaced_before_its_next_load(store: Store) -> None:
    def hangs_at_1(world: World, plan: Plan) -> LoadResult:
        return hung_result() if plan.connections == 1 else load_result()

    world = World(loads=hangs_at_1)
    seen: list[events.Event] = []
    record = perform(world, store, variants=("sync",), observer=seen.append)
    assert world.journal.count("start sync") == 2
    assert world.journal.index("stop sync") < world.journal.index("load sync 48")
    assert events.ServiceStarting(SYNC, again=True, reason="it hung") in seen
    (_, first), (_, second) = record.trials
    assert first.hang is not None
    assert second.hang is None
    assert "hunter2" not in first.service.log_tail
    assert "the log of sync" in first.service.log_tail


def test_a_service_that_stays_silent_after_a_load_is_replaced(store: Store) -> None:
    world = World(deaf=True)
    perform(world, store, variants=("sync",))
    assert world.journal.count("start sync") == 2


def test_a_service_that_died_makes_its_trial_invalid_and_is_replaced(store: Store) -> None:
    def dies(world: World, plan: Plan) -> LoadResult:
        if plan.connections == 1:
            world.service_at(plan.target).status = -9
        return load_result()

    world = World(loads=dies)
    record = perform(world, store, variants=("sync",))
    (_, first), (_, second) = record.trials
    assert first.validity.reasons == ("the service died during the load, by signal 9",)
    assert first.service.status == -9
    assert second.validity.status == "valid"


def test_a_variant_that_does_not_start_costs_only_its_own_trials(store: Store) -> None:
    world = World(refuses=frozenset({"sync"}))
    record = perform(world, store)
    by_variant = {trial.variant.name: outcome for trial, outcome in record.trials}
    assert record.status == "finished"
    assert by_variant["sync"].result is None
    assert "sync ended" in by_variant["sync"].validity.reasons[0]
    assert "hunter2" not in by_variant["sync"].validity.reasons[0]
    assert by_variant["async"].validity.status == "valid"
    assert world.journal.count("start sync") == 1


def test_an_observer_that_fails_costs_the_display_and_not_the_run(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fails(event: events.Event) -> None:
        calls.append(event)
        raise ValueError("no terminal")

    assert perform(World(), store, observer=fails).status == "finished"
    assert len(calls) == 1
    assert "display failed" in caplog.text


def test_the_time_to_go_learns_what_a_trial_takes_beyond_its_load(store: Store) -> None:
    def slow(world: World, plan: Plan) -> LoadResult:
        world.now_s += 3.0
        return load_result()

    seen: list[events.Event] = []
    perform(World(loads=slow), store, observer=seen.append)
    left = [event.eta_s for event in seen if isinstance(event, events.TrialFinished)]
    assert left == [15.0, 10.0, 5.0, 0.0]
