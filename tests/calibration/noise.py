"""Runs whose timing the machine spoilt are run again, a few times, and never called good."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeAlias

import pytest

from .runner import Run
from .servers import Truth

Observed: TypeAlias = tuple[Run, Truth]

ATTEMPTS = 6

# On an idle machine the engine's sends are less late than this at their p99, and a server
# that polls is never away for longer than that.
_QUIET_LATENESS_US = 200.0
_QUIET_HICCUP_NS = 1_000_000

# How long a core is watched, and how long to wait for one that nobody else uses.
_WATCH_NS = 100_000_000
_PATIENCE_S = 6.0


def hold(assertion: Callable[[Run, Truth], None], observe: Callable[[], Observed]) -> Observed:
    """Apply the assertion to an observation that the machine's noise did not spoil.

    The bounds are the same for every attempt. An assertion that fails on a quiet run has
    failed; on a noisy one, by the engine's own lateness or the server's own watch, the run
    is repeated. When none came out quiet, the last failure stands, unless witnesses other
    than the engine saw noise every time: then nothing was learnt, and the test is skipped.
    """
    all_witnessed = True
    for attempt in range(ATTEMPTS):
        quiet = wait_for_quiet(two_cores())
        run, truth = observe()
        witnessed = not quiet or truth.hiccup_ns > _QUIET_HICCUP_NS
        all_witnessed = all_witnessed and witnessed
        try:
            assertion(run, truth)
        except AssertionError as error:
            if not witnessed and not _late(run):
                raise
            if attempt == ATTEMPTS - 1:
                if not all_witnessed:
                    raise
                pytest.skip(f"others use this machine's cores: {str(error).splitlines()[0]}")
        else:
            break
    return run, truth


def _late(run: Run) -> bool:
    """Whether the generator itself says that it was held up."""
    lateness = run.result.generator.lateness_us
    late = lateness is not None and (
        lateness.p99 > _QUIET_LATENESS_US or lateness.max > _QUIET_HICCUP_NS / 1e3
    )
    return late or run.result.generator.bottleneck


def two_cores() -> tuple[int, int]:
    """A core for the generator and another one for an exact server; skips without two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("exact timing needs a core for the generator and one for the server")
    return cores[0], cores[-1]


def wait_for_quiet(cores: tuple[int, ...]) -> bool:
    """Wait, within reason, for a moment in which nobody else uses these cores; whether it came."""
    until = time.monotonic() + _PATIENCE_S
    before = os.sched_getaffinity(0)
    try:
        while any(_longest_gap_ns(core) > _QUIET_HICCUP_NS for core in cores):
            if time.monotonic() > until:
                return False
    finally:
        os.sched_setaffinity(0, before)
    return True


def _longest_gap_ns(core: int) -> int:
    """For how long this thread was kept from running while it watched the core."""
    os.sched_setaffinity(0, {core})
    previous = time.monotonic_ns()
    end, longest = previous + _WATCH_NS, 0
    while previous < end:
        now = time.monotonic_ns()
        longest, previous = max(longest, now - previous), now
    return longest
