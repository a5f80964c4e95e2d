"""Runs a load on this machine: a :class:`Plan` in, a :class:`LoadResult` out.

The engine itself is Rust (``syncline._engine``); between start and end no Python runs in
it, so that what it costs is what a C client would cost.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

from syncline import _engine
from syncline._engine import Histogram
from syncline.codec import canonical, from_json
from syncline.errors import MeasurementError, PlanError, UsageError
from syncline.outcome import Interrupted, LoadResult, Progress
from syncline.plan import Plan

__all__ = ["Histogram", "Interrupted", "aload", "load"]

# How often the caller hears of a load's progress, and a Ctrl-C is looked for.
_GLANCE_S = 0.1
# Rates shown while a load runs are over about this time.
_RATE_OVER_S = 1.0


def load(plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> LoadResult:
    """Runs a load to its end and returns what came of it.

    Args:
        plan: what to send, where and when.
        on_progress: called about ten times a second, in the calling thread.

    Raises:
        PlanError: the plan cannot be meant, or one of its data files cannot be read.
        UsageError: the target's name does not resolve, or its TLS files are wrong.
        MeasurementError: the engine failed.
        Interrupted: Ctrl-C; carries the result so far.
    """
    run = _start(plan)
    try:
        _watch(run, on_progress)
    except KeyboardInterrupt:
        run.stop()
        raise Interrupted(_result(run)) from None
    except BaseException:
        # The caller's own error in on_progress: no load may outlive it.
        run.stop()
        _result(run)
        raise
    return _result(run)


async def aload(plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> LoadResult:
    """:func:`load` for a running event loop, as in a notebook; cancelling ends the load.

    ``on_progress`` is called in the event loop's thread. Errors are those of :func:`load`.
    """
    import asyncio  # late: it doubles the time that "syncline load" takes to start

    loop = asyncio.get_running_loop()
    run = await loop.run_in_executor(None, _start, plan)
    rates = _Rates()
    try:
        while not await loop.run_in_executor(None, run.wait, _GLANCE_S):
            if on_progress is not None:
                on_progress(rates.progress(run))
    except BaseException:
        run.stop()
        # The threads end within a tick; they must not outlive the caller's frame.
        _result(run)
        raise
    return await loop.run_in_executor(None, _result, run)


def _start(plan: Plan) -> _engine.Run:
    try:
        return _engine.Run(canonical(plan))
    except ValueError as error:
        kind, text = error.args
        if kind == "plan":
            raise PlanError(_sentence(text.removeprefix("plan: "))) from None
        if kind == "dns":
            raise UsageError(
                f"The target's name does not resolve: {text.removesuffix('.')}. "
                "Check the spelling, or give an address."
            ) from None
        raise UsageError(_sentence(text)) from None


def _watch(run: _engine.Run, on_progress: Callable[[Progress], None] | None) -> None:
    rates = _Rates()
    while not run.wait(_GLANCE_S):
        if on_progress is not None:
            on_progress(rates.progress(run))


def _result(run: _engine.Run) -> LoadResult:
    try:
        text = run.result()
    except RuntimeError as error:
        raise MeasurementError(_sentence(f"the load engine failed: {error}")) from None
    return from_json(LoadResult, json.loads(text), "result")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + "."


class _Rates:
    """Turns counts so far into a rate over about the last second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(0.0, 0)])

    def progress(self, run: _engine.Run) -> Progress:
        elapsed_s, ok, failed, timed_out, in_flight, p50_us, p99_us, warmup = run.glance()
        if ok < self._seen[-1][1]:
            # The warm-up's end: counts began anew.
            self._seen = deque([(self._seen[-1][0], 0)])
        self._seen.append((elapsed_s, ok))
        while len(self._seen) > 2 and elapsed_s - self._seen[1][0] >= _RATE_OVER_S:
            self._seen.popleft()
        since_s, before = self._seen[0]
        rate = (ok - before) / (elapsed_s - since_s) if elapsed_s > since_s else 0.0
        return Progress(elapsed_s, ok, failed, timed_out, in_flight, rate, p50_us, p99_us, warmup)
