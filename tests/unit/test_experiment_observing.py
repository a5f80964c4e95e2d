"""An experiment keeps what its observers saw, and says what could not be seen."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syncline import events
from syncline.experiment import run_experiment
from syncline.experiment.observing import Seen, Unobserved, Watch
from syncline.experiment.probing import ProbeWatch
from syncline.outcome import LoadResult, Observation, Progress, Series
from syncline.store import Store
from syncline.trial import Load, Variant, sweep
from tests.unit import factories as make
from tests.unit.fakes import World

NOTE = Observation("probe", "note", "nothing of it")
RSS = {"process.rss_bytes": Series("bytes", (0.1, 0.2), (1.0, None))}


@dataclass
class Journal(Unobserved):
    """An observatory that writes down what it is told, and sees one thing."""

    told: list[str] = field(default_factory=list)

    def see_backend(self, key: str, backend: object) -> None:
        self.told.append("backend")

    def service_env(self, key: str, env: Mapping[str, str]) -> Mapping[str, str]:
        self.told.append("service")
        return {"PYTHONPATH": f"probe:{env.get('PYTHONPATH', '')}"}

    def forget_service(self, key: str) -> None:
        self.told.append("forget")

    def watch(self, key: str, service: object, backends: tuple[str, ...]) -> Watch:
        self.told.append(f"watch {len(backends)}")
        return self

    def close(self) -> None:
        self.told.append("close")

    def glance(self, progress: Progress) -> Mapping[str, float]:
        return {"process.rss_bytes": 5.0}

    def seen(self, result: LoadResult) -> Seen:
        return Seen(RSS, (NOTE,))


def performed(world: World, journal: Journal, store: Store, variant: Variant) -> list[events.Event]:
    heard: list[events.Event] = []
    asked = make.case(variants=(variant,), backends=("postgres",))
    run_experiment(
        asked,
        sweep(asked, (variant.name,), (Load(1, 2.0),)),
        store=store,
        observer=heard.append,
        environment=make.run_record().environment,
        tools=replace(world.tools(), observe=lambda _workspace: journal),
    )
    return heard


def test_what_was_seen_is_in_the_outcome_and_in_the_store(tmp_path: Path) -> None:
    world, journal, store = World(), Journal(), Store.open(tmp_path / "runs.db")
    heard = performed(world, journal, store, Variant("it", app="a:b", env={"PYTHONPATH": "mine"}))
    (_, outcome), *_ = store.load_run(store.runs()[0].id).trials
    assert outcome.series == RSS
    assert outcome.observations == (NOTE,)
    glances = [event.seen for event in heard if isinstance(event, events.TrialProgress)]
    assert glances == [{"process.rss_bytes": 5.0}]


def test_back_ends_are_seen_before_the_service_that_gets_the_probes_environment(
    tmp_path: Path,
) -> None:
    world, journal = World(), Journal()
    variant = Variant("it", app="a:b", env={"PYTHONPATH": "mine"})
    performed(world, journal, Store.open(tmp_path / "runs.db"), variant)
    assert journal.told == ["backend", "service", "watch 1", "close"]
    assert world.envs[0]["PYTHONPATH"] == "probe:mine"


def test_a_service_that_is_retired_is_forgotten(tmp_path: Path) -> None:
    world, journal = World(loads=lambda _world, _plan: make.hung_result()), Journal()
    performed(world, journal, Store.open(tmp_path / "runs.db"), Variant("it", app="a:b"))
    assert journal.told[-2:] == ["forget", "close"]


@dataclass
class FakeProbe:
    """A probe that was heard of, or not."""

    heard: bool = True
    marks: list[int] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    count: int = 0

    def env(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        return {}

    def mark(self, start_monotonic_ns: int) -> None:
        self.marks.append(start_monotonic_ns)

    def series(self) -> dict[str, Series]:
        return {"probe.pool_waiters": Series("1", (0.1, 0.2), (19.0, 20.0))}

    def events(self) -> tuple[Any, ...]:
        fields = {"where": ["app.py", 7, "slow"], "url": "postgresql://me:hunter2@db/x"}
        blocked = SimpleNamespace(name="loop-blocked", t_s=0.5, pid=7, fields=fields)
        return (blocked,) * 60

    def settings(self) -> dict[str, object]:
        return {"pools": [{"size": 5}], "odd": float("nan")}

    def processes(self) -> tuple[Any, ...]:
        one = SimpleNamespace(
            pid=7,
            ppid=1,
            served=True,
            alive=True,
            python="3.11.2",
            versions={"fastapi": "1"},
            settings={},
        )
        return (one,) if self.heard else ()

    def summaries(self) -> dict[int, dict[str, object]]:
        self.count += 100
        return {7: {"t_s": 1.0, "routes": [{"route": "GET /users", "requests": self.count}]}}

    def stacks(self) -> tuple[Any, ...]:
        return (SimpleNamespace(t_s=1.5, pid=7, reason="asked", content={"threads": []}),)

    def request_stacks(self, timeout_s: float = 1.0) -> tuple[Any, ...]:
        self.asked.set()
        return ()

    def ask(self, line: bytes) -> int:
        return 0

    def close(self) -> None:
        pass


def test_what_the_probe_told_becomes_series_and_observations() -> None:
    probe = FakeProbe()
    watch = ProbeWatch(probe, "")
    watch.begin(1_000)
    seen = watch.seen(2_000)
    assert probe.marks == [1_000, 2_000]
    assert set(seen.series) == {"probe.pool_waiters"}
    kinds = [one.kind for one in seen.observations]
    assert kinds[:2] == ["settings", "python-process"]
    assert kinds.count("loop-blocked") == 50
    left_out = next(one for one in seen.observations if one.kind == "note")
    assert left_out.text == "10 more events loop-blocked are left out."
    route = next(one for one in seen.observations if one.kind == "route")
    assert route.data["requests"] == 200
    assert route.data["before"] == {"route": "GET /users", "requests": 100}
    assert kinds[-1] == "stacks"
    assert "hunter2" not in str(seen)
    assert seen.observations[0].data["odd"] is None


def test_no_word_of_the_probe_is_said_with_its_likely_reasons() -> None:
    seen = ProbeWatch(FakeProbe(heard=False), "").seen(0)
    assert seen.series == {}
    assert "the service is not Python" in seen.observations[0].text
    unasked = ProbeWatch(None, "It was not asked for.").seen(0)
    assert unasked.observations == (Observation("probe", "note", "It was not asked for."),)


def test_a_silence_under_load_asks_once_where_the_service_stands() -> None:
    probe = FakeProbe()
    watch = ProbeWatch(probe, "")
    watch.glance(make.progress(elapsed_s=0.5, ok=100, in_flight=48))
    watch.glance(make.progress(elapsed_s=1.4, ok=100, in_flight=48))
    assert not probe.asked.is_set()
    assert watch.glance(make.progress(elapsed_s=1.6, ok=100, in_flight=48)) == {
        "probe.pool_waiters": 20.0
    }
    assert probe.asked.wait(20)
    probe.asked.clear()
    watch.glance(make.progress(elapsed_s=4.0, ok=100, in_flight=48))
    assert not probe.asked.is_set()
