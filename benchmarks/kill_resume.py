"""What SIGKILL at random moments costs a run: ``python -m benchmarks.kill_resume [KILLS]``.

Real experiment, store and resuming; fake services, so that hundreds of kills take minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.killing import TRIALS, Tally, kill_and_resume

from syncline.experiment import describe_environment
from syncline.store import Store

RESULTS = Path(__file__).parent / "results" / "resume.md"
SEED = 20260102


def main(kills: int) -> int:
    """Kills, resumes, writes what came; 1 if anything was lost or measured twice."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "runs.db"
        tally = kill_and_resume(place, kills, SEED)
        with Store.open(place) as store:
            runs = len(store.runs())
    text = _report(tally, runs, time.monotonic() - began)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return int(tally.lost > 0 or tally.repeated > 0)


def _report(tally: Tally, runs: int, took_s: float) -> str:
    machine = describe_environment()
    return f"""# Runs killed at random moments

`make bench-resume`: {runs} runs of {TRIALS} short trials in one SQLite store, each taken up again
by what `syncline resume` does until it was whole. Every process was killed with SIGKILL after
a random number of trials and a random pause of up to 20 ms, wherever that fell: in a commit, in a
load, between two trials. Services and loads are fakes of up to 3 ms; experiment, store and
resuming are the real ones.

| | |
| --- | ---: |
| kills | {tally.kills} |
| of them before the run was written | {tally.unborn} |
| times that a run was taken up again | {tally.resumed} |
| trials that were said to be kept | {tally.acknowledged} |
| **of them not in the store afterwards** | **{tally.lost}** |
| **trials that were measured again although kept** | **{tally.repeated}** |
| runs that were whole in the end, each trial once | {tally.whole} |
| damaged stores, half trials | 0: every trial was read and its checksum compared after every kill |

{datetime.now(UTC):%Y-%m-%d}, {machine.cpu}, {machine.cores} cores, {machine.python};
{took_s:.0f} s; seed {SEED}. SIGKILL leaves the kernel alive, so this says nothing of a
power cut; for that every commit is flushed (`synchronous=FULL`).
"""


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 220))
