"""Runs a load of flows: helper processes from start to end, and one result."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic, monotonic_ns
from typing import Any

from syncline.codec import to_json
from syncline.errors import MeasurementError, UsageError
from syncline.flow.result import FlowResult, result_of
from syncline.flow.values import Scenario
from syncline.outcome import Progress
from syncline.plan import Plan

_NS = 1_000_000_000
# Between the order to start and the start: time for every process to get it.
_HEAD_START_NS = 100_000_000
_READY_S = 60.0
# How long after its deadline a process may take to hand over what it counted.
_GRACE_S = 10.0


@dataclass(slots=True)
class _Helper:
    process: subprocess.Popen[bytes]
    glance: tuple[int, int, int, int] = (0, 0, 0, 0)
    ready: bool = False
    result: dict[str, Any] | None = None
    held: bytearray = field(default_factory=bytearray)


def load(
    plan: Plan, scenario: Scenario, on_progress: Callable[[Progress], None] | None = None
) -> FlowResult:
    """Sends flows until the plan's end and returns what came.

    The scenario makes the requests; those of the plan only tell the headers that each step
    carries unless it has its own. ``connections`` is the number
    of users, ``threads`` that of helper processes; an open loop's rate is of flows per second.

    Raises:
        UsageError: the scenario cannot be loaded.
        MeasurementError: a helper process failed.
    """
    with ExitStack() as stack:
        helpers = [_start(plan, scenario, number) for number in range(plan.threads)]
        stack.callback(_end, helpers)
        lines = stack.enter_context(_Lines(helpers))
        lines.until(lambda: all(one.ready for one in helpers), _READY_S)
        start_ns = monotonic_ns() + _HEAD_START_NS
        for one in helpers:
            _tell(one, {"start_ns": start_ns})
        whole_s = plan.deadline_s or (600 if plan.duration_s is None else plan.duration_s + 2)
        glances = _Glances(plan, start_ns, helpers, on_progress)
        try:
            lines.until(lambda: _all_ended(helpers), whole_s + _GRACE_S, glances.show)
        except KeyboardInterrupt:
            for one in helpers:
                _close_input(one)
            lines.until(lambda: _all_ended(helpers), _GRACE_S)
    return result_of(plan, [one.result for one in helpers if one.result], start_ns)


def _all_ended(helpers: Sequence[_Helper]) -> bool:
    return all(one.result is not None for one in helpers)


def _start(plan: Plan, scenario: Scenario, number: int) -> _Helper:
    # -u would slow users' prints; -P keeps the working folder from hiding modules.
    argv = [sys.executable, "-P", "-m", "syncline.flow.worker"]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    helper = _Helper(process)
    _tell(helper, {"plan": to_json(plan), "scenario": to_json(scenario), "process": number})
    return helper


def _tell(helper: _Helper, message: dict[str, Any]) -> None:
    if helper.process.stdin is None:
        raise AssertionError("a helper's input is a pipe")
    try:
        helper.process.stdin.write(json.dumps(message).encode() + b"\n")
        helper.process.stdin.flush()
    except BrokenPipeError:
        pass  # it ended; its output, or the lack of it, says why


def _close_input(helper: _Helper) -> None:
    if helper.process.stdin is not None and not helper.process.stdin.closed:
        try:
            helper.process.stdin.close()
        except BrokenPipeError:
            return


def _end(helpers: Sequence[_Helper]) -> None:
    """No process outlives the load: input closed is an order to stop, then it is killed."""
    for one in helpers:
        _close_input(one)
    for one in helpers:
        try:
            one.process.wait(2.0)
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        if one.process.stdout is not None:
            one.process.stdout.close()


class _Lines:
    """Reads what helper processes say."""

    def __init__(self, helpers: Sequence[_Helper]) -> None:
        self._selector = selectors.DefaultSelector()
        for one in helpers:
            if one.process.stdout is not None:
                self._selector.register(one.process.stdout, selectors.EVENT_READ, one)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def until(
        self,
        reached: Callable[[], bool],
        within_s: float,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Reads until something is reached.

        Raises:
            UsageError: a helper refuses its scenario.
            MeasurementError: one ended without a result, or time is up.
        """
        end_s = monotonic() + within_s
        while not reached():
            if monotonic() > end_s:
                raise MeasurementError("A helper process did not answer in time.")
            for key, _ in self._selector.select(0.1):
                self._read(key.data, key.fileobj)
            if meanwhile is not None:
                meanwhile()

    def _read(self, helper: _Helper, stream: Any) -> None:
        data = stream.read1(65536)
        if not data:
            self._selector.unregister(stream)
            if helper.result is None:
                raise MeasurementError(
                    f"A helper process ended early (status {helper.process.wait()}); "
                    "what it wrote stands above."
                )
            return
        helper.held += data
        *whole, rest = bytes(helper.held).split(b"\n")
        helper.held = bytearray(rest)
        for line in whole:
            _heed(helper, json.loads(line))


def _heed(helper: _Helper, message: dict[str, Any]) -> None:
    if "refused" in message:
        raise UsageError(message["refused"])
    helper.ready = helper.ready or "ready" in message
    helper.glance = message.get("glance", helper.glance)
    helper.result = message.get("result", helper.result)


class _Glances:
    """Makes progress out of what helpers count."""

    def __init__(
        self,
        plan: Plan,
        start_ns: int,
        helpers: Sequence[_Helper],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._plan, self._start_ns, self._helpers = plan, start_ns, helpers
        self._on_progress = on_progress
        self._before = (0.0, 0)
        self._rate = 0.0

    def show(self) -> None:
        """Tells the caller, if it asked."""
        if self._on_progress is None:
            return
        at_s = max(0.0, (monotonic_ns() - self._start_ns) / _NS)
        ok, failed, timed_out, in_flight = (
            sum(one.glance[place] for one in self._helpers) for place in range(4)
        )
        if at_s - self._before[0] >= 1.0:
            self._rate = (ok - self._before[1]) / (at_s - self._before[0])
            self._before = (at_s, ok)
        warm = at_s < self._plan.warmup_s
        self._on_progress(
            Progress(at_s, ok, failed, timed_out, in_flight, self._rate, None, None, warm)
        )
