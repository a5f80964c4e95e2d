"""Runs whose timing the machine spoilt are run again, a few times, and never called good."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias

import pytest

from .runner import Run
from .servers import Truth

Observed: TypeAlias = tuple[Run, Truth]

ATTEMPTS = 4

# On an idle machine the engine's sends are less late than this at their p99, and a server
# that polls is never away for longer than that.
_QUIET_LATENESS_US = 200.0
_QUIET_HICCUP_NS = 1_000_000


def hold(assertion: Callable[[Run, Truth], None], observe: Callable[[], Observed]) -> Observed:
    """Apply the assertion to an observation that the machine's noise did not spoil.

    The bounds are the same for every attempt. An assertion that fails on a quiet run has
    failed; on a noisy one, by the engine's own lateness or the server's own watch, the run
    is repeated; when every attempt was noisy, the last failure stands.
    """
    for attempt in range(ATTEMPTS):
        run, truth = observe()
        try:
            assertion(run, truth)
        except AssertionError:
            if attempt == ATTEMPTS - 1 or not noisy(run, truth):
                raise
        else:
            break
    return run, truth


def noisy(run: Run, truth: Truth) -> bool:
    """Whether the generator or the server was held up by the machine."""
    lateness = run.result.generator.lateness_us
    late = lateness is not None and lateness.p99 > _QUIET_LATENESS_US
    return late or run.result.generator.bottleneck or truth.hiccup_ns > _QUIET_HICCUP_NS


def two_cores() -> tuple[int, int]:
    """A core for the generator and another one for an exact server; skips without two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("exact timing needs a core for the generator and one for the server")
    return cores[0], cores[-1]
