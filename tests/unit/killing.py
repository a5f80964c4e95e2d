"""Runs that are killed at random moments and taken up again, until they are whole.

The experiment, the store and the resuming are the real ones; services and loads are fakes that take
a few milliseconds, so that a kill can fall anywhere: before the run is written, within a commit,
between two trials, while the run is being ended.
"""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from syncline.cli.resume import search_of
from syncline.events import Event, TrialFinished
from syncline.experiment import run_experiment, run_search
from syncline.outcome import LoadResult
from syncline.plan import Plan
from syncline.record import RunRecord
from syncline.store import Store
from syncline.trial import Experiment, Load, Trial
from tests.unit.factories import case, load_result, run_record
from tests.unit.fakes import World

TRIALS = 40


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of it.

    Attributes:
        kills: how many processes were killed before they ended by themselves.
        resumed: how often a run that was in the store was taken up.
        unborn: kills before the run was written.
        acknowledged: trials that were said to be kept.
        lost: those of them that were not in the store afterwards.
        repeated: trials that were measured again although they were kept.
        whole: runs that were finished in the end, with all trials once.
    """

    kills: int = 0
    resumed: int = 0
    unborn: int = 0
    acknowledged: int = 0
    lost: int = 0
    repeated: int = 0
    whole: int = 0


def kill_and_resume(place: Path, kills: int, seed: int) -> Tally:
    """Runs one run after the other until so many kills were survived.

    Raises:
        StoreError: a trial in the store is not whole.
    """
    chance = random.Random(seed)
    totals = dict.fromkeys(Tally.__dataclass_fields__, 0)
    while totals["kills"] < kills:
        known = _newest(place)
        # A run that was killed before its trials were planned has nothing to resume.
        open_ended = known is not None and known.status == "interrupted" and known.planned
        resume = known if open_ended else None
        has = {trial.identity for trial, _ in resume.trials} if resume else set()
        said, killed = _run_for(
            place, resume, chance.randrange(16), chance.choice((0.004, 0.02)) * chance.random()
        )
        after = _newest(place)
        kept = {trial.identity for trial, _ in after.trials} if after else set()
        totals["kills"] += killed
        totals["resumed"] += resume is not None
        totals["unborn"] += killed and (after is None or (resume is None and after == known))
        totals["acknowledged"] += len(said)
        totals["lost"] += len((set(said) | has) - kept)
        totals["repeated"] += len(set(said) & has)
        if after is not None and after.status == "finished" and not killed:
            whole = len(after.trials) == TRIALS and not after.missing
            totals["whole"] += whole
        elif not killed:
            raise AssertionError(f"a run ended by itself as {after.status if after else 'nothing'}")
    return Tally(**totals)


def _newest(place: Path) -> RunRecord | None:
    if not place.exists():
        return None
    with Store.open(place) as store:
        runs = store.runs()
        return store.load_run(runs[0].id) if runs else None


def _run_for(
    place: Path, resume: RunRecord | None, after: int, pause_s: float
) -> tuple[list[str], bool]:
    """The identities of the trials that a child said were kept, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            _run(place, resume, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as stream:
        # So many acknowledgements, and then any instant: a kill by the clock alone would on a
        # busy machine meet the start only.
        said = [line for _ in range(after) if (line := stream.readline())]
        time.sleep(pause_s)
        os.kill(child, signal.SIGKILL)  # one that has ended is still ours to wait for
        _, status = os.waitpid(child, 0)
        text = "".join(said) + stream.read()
    killed = os.WIFSIGNALED(status)
    if not killed and os.WEXITSTATUS(status):
        raise AssertionError("the child failed by itself; its traceback is on standard error")
    return text.split(), killed


def _run(place: Path, resume: RunRecord | None, writing: int) -> None:
    answer = load_result(latencies=list(range(1000, 3000)))

    def load(_world: World, _plan: Plan) -> LoadResult:
        time.sleep(random.uniform(0, 0.003))
        return answer

    def acknowledge(event: Event) -> None:
        if isinstance(event, TrialFinished):
            os.write(writing, f"{event.trial.identity}\n".encode())

    asked = case()
    with Store.open(place) as store:
        if resume is not None:
            run_search(
                resume.case,
                search_of(resume),
                purpose=resume.purpose,
                store=store,
                observer=acknowledge,
                environment=resume.environment,
                resume=resume,
                tools=World(load).tools(),
            )
            return
        run_experiment(
            asked,
            Experiment(
                asked.name,
                "a run that is killed",
                tuple(
                    Trial(asked.name, variant, Load(12, 1.0), repeat=repeat)
                    for repeat in range(TRIALS // 2)
                    for variant in asked.variants
                ),
            ),
            store=store,
            observer=acknowledge,
            environment=run_record().environment,
            tools=World(load).tools(),
        )
