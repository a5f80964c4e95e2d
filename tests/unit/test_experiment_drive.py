"""A search is run to its end in one run, and what it had measured is kept wherever it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncline import events
from syncline.errors import StoreError
from syncline.experiment import run_search
from syncline.experiment.drive import drive
from syncline.outcome import LoadResult, Outcome
from syncline.plan import Plan
from syncline.record import RunRecord
from syncline.search import Measured, Search
from syncline.store import Store
from syncline.trial import Experiment, Load, Trial, Variant
from tests.unit.factories import case, load_result, outcome, run_record
from tests.unit.fakes import World

SYNC, ASYNC = Variant("sync", app="a:b"), Variant("async", app="c:d")
LEVELS = (4, 8, 16)


def trial(variant: Variant, connections: int, *, repeat: int = 0) -> Trial:
    return Trial("users", variant, Load(connections, 2.0), repeat=repeat)


def one_by_one(levels: tuple[int, ...] = LEVELS, *, alone: bool = False) -> Search[int]:
    """Level after level, sync and async; then the heaviest once more, as a question of its own."""
    heaviest = 0
    for level in levels:
        pair = (trial(SYNC, level), trial(ASYNC, level))
        measured = yield Experiment("users", f"level {level}", pair, alone)
        assert [asked for asked, _ in measured] == list(pair)
        heaviest = measured[-1][0].load.connections
    again = replace(trial(SYNC, heaviest), phase="verification", about="again")
    yield Experiment("users", "once more", (again,), alone)
    return heaviest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "runs.db")


def perform(
    world: World, store: Store, search: Search[int], heard: list[events.Event] | None = None
) -> RunRecord:
    return run_search(
        case(variants=(SYNC, ASYNC)),
        search,
        purpose="find the heaviest",
        store=store,
        observer=(heard if heard is not None else []).append,
        environment=run_record().environment,
        tools=world.tools(),
    )


def test_a_search_hears_of_each_experiment_and_its_result_is_returned() -> None:
    def measure(experiment: Experiment) -> Measured:
        return tuple((one, outcome()) for one in experiment.trials)

    assert drive(one_by_one(), measure) == 16


def test_a_search_without_a_question_ends_at_once() -> None:
    def nothing() -> Search[str]:
        yield from ()
        return "known before"

    assert drive(nothing(), lambda _: ()) == "known before"


def test_a_search_is_closed_when_its_measurement_fails() -> None:
    ended = []

    def asking() -> Search[None]:
        try:
            yield Experiment("users", "one", (trial(SYNC, 1),))
        finally:
            ended.append(True)

    def interrupted(_: Experiment) -> Measured:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(asking(), interrupted)
    assert ended == [True]


def test_all_experiments_of_a_search_are_one_run_on_the_same_services(store: Store) -> None:
    world = World()
    record = perform(world, store, one_by_one())
    assert record.status == "finished"
    assert record.purpose == "find the heaviest"
    assert [asked.load.connections for asked, _ in record.trials] == [4, 4, 8, 8, 16, 16, 16]
    assert record.planned == tuple(asked for asked, _ in record.trials)
    assert [step for step in world.journal if step.startswith("start")] == [
        "start sync",
        "start async",
    ]
    assert store.runs()[0].planned == store.runs()[0].done == 7


def test_the_display_hears_of_what_is_planned_as_it_becomes_known(store: Store) -> None:
    heard: list[events.Event] = []
    perform(World(), store, one_by_one(), heard)
    match heard[0]:
        case events.RunStarted(experiment=first):
            assert first.purpose == "level 4"
        case _:
            raise AssertionError(heard[0])
    phases = [event for event in heard if isinstance(event, events.PhaseStarted)]
    assert [(one.experiment.purpose, one.total) for one in phases] == [
        ("level 8", 4),
        ("level 16", 6),
        ("once more", 7),
    ]
    assert phases[-1].experiment.phase == "verification"
    assert phases[-1].eta_s >= 2.0
    finished = [event.index for event in heard if isinstance(event, events.TrialFinished)]
    assert finished == [1, 2, 3, 4, 5, 6, 7]
    assert heard[-1] == events.RunEnded("finished", 7)


def test_trials_of_a_question_stay_out_of_the_comparison(store: Store) -> None:
    world = World(loads=lambda world, _: load_result(throughput_rps=len(world.journal)))
    record = perform(world, store, one_by_one())
    last = record.of_phase("sweep")[-2:]
    rates = [came.result.throughput_rps for _, came in last if came.result is not None]
    ratio = next(one.ratio for one in record.comparisons if one.connections == 16)
    assert ratio == pytest.approx(rates[1] / rates[0])
    assert len(record.of_phase("sweep")) == 6
    assert len(record.of_phase("verification")) == 1
    assert {one.connections for one in record.comparisons} == set(LEVELS)
    assert {one.candidate for one in record.comparisons} == {"async"}


def test_ctrl_c_keeps_what_a_search_had_measured_and_what_it_still_wanted(store: Store) -> None:
    def interrupted_at_8(world: World, plan: Plan) -> LoadResult:
        if plan.connections == 8:
            raise KeyboardInterrupt
        return load_result()

    world, heard = World(loads=interrupted_at_8), list[events.Event]()
    record = perform(world, store, one_by_one(), heard)
    assert record.status == "interrupted"
    assert [asked.load.connections for asked, _ in record.trials] == [4, 4]
    assert [asked.load.connections for asked in record.missing] == [8, 8]
    assert world.running == []
    assert heard[-1] == events.RunEnded("interrupted", 2)


def test_a_store_that_fails_ends_a_search_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = store.add_trial

    def full(run_id: str, asked: Trial, came: Outcome) -> None:
        if asked.load.connections == 8:
            raise StoreError("the disk is full")
        keep(run_id, asked, came)

    monkeypatch.setattr(store, "add_trial", full)
    world = World()
    with pytest.raises(StoreError, match="the disk is full"):
        perform(world, store, one_by_one())
    assert [step for step in world.journal if step.startswith("load")][-1] == "load sync 8"
    assert world.running == []
    kept = store.load_run(store.runs()[0].id)
    assert kept.status == "failed"
    assert [asked.load.connections for asked, _ in kept.trials] == [4, 4]


def test_a_search_that_fails_ends_its_run_and_stops_its_services(store: Store) -> None:
    def broken() -> Search[int]:
        yield Experiment("users", "one", (trial(SYNC, 1),))
        raise ZeroDivisionError

    world = World()
    with pytest.raises(ZeroDivisionError):
        perform(world, store, broken())
    assert store.runs()[0].status == "failed"
    assert world.running == []


def test_alone_means_that_no_other_service_lives_beside_the_one_under_load(store: Store) -> None:
    beside = []

    def look(world: World, _: Plan) -> LoadResult:
        beside.append(len(world.running))
        return load_result()

    perform(World(loads=look), store, one_by_one(alone=True))
    assert beside == [1] * 7
    beside.clear()
    perform(World(loads=look), store, one_by_one())
    assert max(beside) == 2
