"""Profiles of a program of known behaviour, by the real profilers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline.errors import EnvironmentLackError
from syncline.experiment import run_experiment
from syncline.flame import classified, reading, sites, top, yours
from syncline.folded import Profile, ProfileKind
from syncline.observe.probe import ProbeReader
from syncline.plan import Request, constant_rate
from syncline.process import Workspace
from syncline.profile import Taking, Target, Wanted, check_needs
from syncline.profile.needs import may_trace
from syncline.store import Store
from syncline.trial import Case, Experiment, Load, Trial, Variant
from tests.integration.probed import APP, script

PROGRAM = Path(__file__).with_name("profiled_program.py")
RUN = f"import runpy; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """The program, with the probe inside."""
    with (
        Workspace.open() as workspace,
        ProbeReader(workspace.path) as reader,
        script(RUN, reader) as process,
    ):
        _await_start(process, reader)
        yield Target(lambda: (process.pid,), reader.ask, workspace)


def _await_start(process: subprocess.Popen[str], reader: ProbeReader) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 20
    while not reader.processes():
        assert time.monotonic() < deadline, "no probe was heard"
        time.sleep(0.01)


def taken(target: Target, about: str, duration_s: float = 2.0) -> tuple[Profile, ...]:
    """What is taken during a load of that length; here nobody sends it."""
    wanted = Wanted.of(about)
    with Taking(
        wanted, target, clock=time.monotonic, warmup_s=0.0, duration_s=duration_s
    ) as taking:
        # The block stays open for as long as a load would take.
        deadline = time.monotonic() + duration_s
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(left)
    found = taking.taken()
    assert found.reason == ""
    return found.profiles


@pytest.mark.skipif(not may_trace(), reason="py-spy may not look into other processes here")
def test_a_cpu_profile_finds_what_burns_and_who_holds_the_gil(target: Target) -> None:
    (profile,) = taken(target, "cpu", 3.0)
    share = {spot.name: spot.total_share for spot in top(profile.folded)}
    # On a busy machine the probe and the allocations weigh more than their work.
    assert share["works_on"] > 0.2
    assert share["burns"] > 0.2
    assert "waits_for_the_gate" not in share, "a thread that waits uses no CPU"
    assert profile.folded.total == pytest.approx(
        profile.facts["cpu_cores"] * profile.duration_s, rel=0.01
    )
    assert profile.facts["gil_held"] > 0.1
    assert "GIL" in reading(profile)


@pytest.mark.skipif(not may_trace(), reason="py-spy may not look into other processes here")
def test_native_frames_are_shown_on_request(target: Target) -> None:
    (profile,) = taken(target, "cpu-native", 3.0)
    owners = {spot.owner for spot in top(profile.folded)}
    assert {"native", "yours"} <= owners


def test_allocations_are_told_by_bytes_by_number_and_by_what_stays(target: Target) -> None:
    size, count, remaining = taken(target, "alloc")
    assert [one.measure for one in (size, count, remaining)] == [
        *("bytes", "allocations", "remaining_bytes")
    ]
    place, share = next(iter(yours(size.folded).items()))
    assert (place.name, share > 0.8) == ("allocates", True)
    assert count.folded.total > 0
    # Of each round's 1.1 MB only the 0.1 MB that are kept are left.
    assert 0 < remaining.folded.total < 0.3 * size.folded.total
    assert next(iter(yours(remaining.folded))).name == "allocates"


def test_threads_at_a_lock_are_seen_with_the_time_they_wait(target: Target) -> None:
    (profile,) = taken(target, "lock")
    waits = {wait.site.name: wait for wait in sites(profile.folded)}
    gate = waits["waits_for_the_gate"]
    assert gate.kind == "lock"
    # Three threads wait all the time, whatever the machine does meanwhile.
    assert gate.seconds == pytest.approx(3 * profile.duration_s, rel=0.05)
    assert gate.share > 0.5


def test_tasks_are_seen_along_their_awaits(target: Target) -> None:
    (profile,) = taken(target, "await")
    waits = [wait for wait in sites(profile.folded) if wait.kind == "lock"]
    assert [wait.site.name for wait in waits] == ["Event.wait"]
    assert waits[0].seconds == pytest.approx(5 * profile.duration_s, rel=0.05)
    assert waits[0].caller is not None
    assert waits[0].caller.name == "awaits_the_event"
    kinds = {classified(stack)[0] for stack, _ in profile.folded.stacks()}
    assert kinds == {"lock", "future"} or kinds == {"lock", "task"}


def test_what_cannot_be_taken_is_said_in_a_sentence(target: Target) -> None:
    blind = Target(target.pids, None, target.workspace)
    with Taking(
        Wanted("lock"), blind, clock=time.monotonic, warmup_s=0.0, duration_s=1.5
    ) as taking:
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            time.sleep(0.05)
    assert "the service has none" in taking.taken().reason


def test_missing_profilers_are_named_with_what_brings_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(EnvironmentLackError, match=r"py-spy: pip install 'syncline\[profile\]'"):
        check_needs(["cpu"])
    monkeypatch.setitem(sys.modules, "memray", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EnvironmentLackError, match=r"memray: pip install 'syncline\[profile\]'"):
        check_needs(["alloc"])
    check_needs(["lock", "await"])


def test_a_profiled_trial_is_kept_with_its_profile_and_compared_with_nothing(
    tmp_path: Path,
) -> None:
    database = {"SYNCLINE_TEST_DATABASE": str(tmp_path / "test.db")}
    variant = Variant("app", app=APP, env=database)
    requests = (Request("/sync/20", expect=(200,)),)
    load = Load(8, 3.0, requests, schedule=constant_rate(40), warmup_s=0.5)
    case = Case(
        name="tiny",
        title="A service",
        question="Where does it wait?",
        variants=(variant,),
        default_variants=("app",),
        loads=(load,),
        quick_loads=(load,),
        ready_path="/sync/0",
    )
    kinds: tuple[ProfileKind, ...] = ("lock",)
    trials = tuple(Trial("tiny", variant, load, phase="profile", about=kind) for kind in kinds)
    with Store.open(tmp_path / "runs.db") as store:
        run = run_experiment(case, Experiment("tiny", "where it waits", trials), store=store)
        kept = store.load_run(run.id)
    ((_, outcome),) = kept.of_phase("profile")
    assert outcome.profiles, outcome.validity.reasons
    (profile,) = outcome.profiles
    assert profile.requests > 20
    assert profile.samples > 5
    assert profile.folded.total > profile.duration_s, "there are threads, and they stand somewhere"
    assert not kept.of_phase("sweep")
    assert not kept.comparisons
    assert not kept.findings
