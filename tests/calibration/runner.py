"""How a plan is run: by the engine here, by a mutant of it, or in a confined process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncline import engine
from syncline.codec import from_json, to_json
from syncline.outcome import LoadResult
from syncline.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 2.0

# A process needs some time to start and to write its report; the engine's own promise is
# the deadline, this is only where we stop to wait for a mutant that breaks it.
_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Run:
    """A plan, what the engine said of it, and how long it took by our own clock."""

    plan: Plan
    result: LoadResult
    wall_s: float

    @property
    def deadline_s(self) -> float:
        """The instant that the run must not outlive."""
        if self.plan.deadline_s is not None:
            return self.plan.deadline_s
        assert self.plan.duration_s is not None, "give a test's plan a duration or a deadline"
        return self.plan.duration_s + GRACE_S


def run(plan: Plan, mutant: str | None = None) -> Run:
    """Run a plan with the engine, or with the named mutant of it."""
    if mutant is not None:
        return _run_mutant(plan, mutant)
    begun = time.monotonic()
    result = engine.load(plan)
    return Run(plan, result, time.monotonic() - begun)


def start_apart(*prefix: str) -> subprocess.Popen[bytes]:
    """A process that waits for a plan on its standard input and writes the result.

    Args:
        prefix: a command that runs the process, such as ``unshare -n``.
    """
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "tests.calibration.apart"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def finish_apart(
    process: subprocess.Popen[bytes],
    plan: Plan,
    during: Callable[[], None] | None = None,
    **more: Any,
) -> Run:
    """Give the process its plan, do something meanwhile, and collect the result."""
    assert process.stdin is not None
    process.stdin.write(json.dumps({"plan": to_json(plan), **more}).encode())
    process.stdin.close()
    process.stdin = None
    try:
        if during is not None:
            during()
        out, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 0, f"the engine's process left with {process.returncode}"
    answer = json.loads(out)
    return Run(plan, from_json(LoadResult, answer["result"]), answer["wall_s"])


def run_apart(plan: Plan, *prefix: str, **more: Any) -> Run:
    """Run a plan in another process, confined by ``prefix`` and by ``more`` (see apart.py)."""
    return finish_apart(start_apart(*prefix), plan, **more)


def _run_mutant(plan: Plan, mutant: str) -> Run:
    program = Path(os.environ.get("SYNCLINE_MUTANT", ROOT / "target/mutant/syncline-mutant"))
    if not program.exists():
        lacking = f"{program} is not built; 'make mutants' builds it"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    limit_s = (plan.deadline_s or (plan.duration_s or 0) + GRACE_S) + _PATIENCE_S
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [program, mutant],
            input=json.dumps(to_json(plan)).encode(),
            stdout=subprocess.PIPE,
            timeout=limit_s,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the run did not end: still there after {limit_s:.1f} s") from None
    wall_s = time.monotonic() - begun
    return Run(plan, from_json(LoadResult, json.loads(done.stdout)), wall_s)
