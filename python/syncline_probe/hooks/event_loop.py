"""Event loops, asyncio's and uvloop's: how late they are, and what they were doing meanwhile.

A heartbeat is planned on each running loop every 20 ms. What it measures is the lateness of
all planned instants, those that passed during a block included: a block of 150 ms makes
eight samples from 150 ms down, not one (the omission that HdrHistogram corrects likewise).
At a heartbeat the loop takes the probe's turn, if one is due. When the heartbeat is overdue, the
sampler's thread takes it and looks at the stack of the loop's thread.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import Counter
from types import ModuleType
from typing import Any

from syncline_probe.board import TICK_S, Board, Sample
from syncline_probe.stacks import application_place, every_task, places

BEAT_S = 0.02
_SAMPLES = 400  # of one interval; a longer freeze is thinned


def _bound_s() -> float:
    try:
        asked_ms = float(os.environ.get("SYNCLINE_PROBE_BLOCK_MS", "50"))
    except ValueError:
        return 0.05
    return asked_ms / 1000 if asked_ms >= 0 else 0.05  # nor is "nan" a bound


class _Watch:
    """One running loop. Its thread beats; whoever takes the probe's turn reads."""

    def __init__(self, loop: Any, board: Board) -> None:
        self._board = board
        self.loop = weakref.ref(loop)
        self.kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
        self.thread = threading.get_ident()
        self.due = time.monotonic() + BEAT_S
        self.lates: list[tuple[float, float]] = []  # planned, lateness
        self.blocks = 0
        self.bound_s = _bound_s()
        self.block: _Block | None = None
        self.stopped = False
        loop.call_later(BEAT_S, self.beat)

    def beat(self) -> None:
        if self.stopped:
            return
        now = time.monotonic()
        late = now - self.due
        if late > self.bound_s:
            self.blocks += 1
        self.lates.append((self.due, late if late > 0 else 0.0))
        self.due = now + BEAT_S
        loop = self.loop()
        if loop is not None and not loop.is_closed():
            loop.call_later(BEAT_S, self.beat)
            # Looked at while it stands still, and heard of even if the bound is a long one.
            self._board.alive(now, self.due + min(self.bound_s, TICK_S))


class _Block:
    """A heartbeat that is overdue, and what the loop's thread was seen doing since."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.stacks: Counter[str] = Counter()
        self.example: dict[str, list[list[object]]] = {}
        self.callbacks: set[int] = set()
        self.looks = 0
        self.told = False


class _Loops:
    """All running loops of the process, at most one a thread."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._watches: dict[int, _Watch] = {}
        self._ended_blocks = 0

    def running(self, loop: Any) -> None:
        """A loop starts to run in this thread, or, given None, stops."""
        thread = threading.get_ident()
        previous = self._watches.pop(thread, None)
        if previous is not None:
            previous.stopped = True
            self._ended_blocks += previous.blocks
        if loop is not None:
            self._watches[thread] = _Watch(loop, self._board)

    def threads(self) -> frozenset[int]:
        return frozenset(self._watches)

    def forget(self) -> None:
        self._watches.clear()

    def tick(self, now: float) -> None:
        for watch in list(self._watches.values()):
            block = watch.block
            if block is not None and block.due != watch.due:
                self._end(watch, block, now)
                block = None
            if now - watch.due > watch.bound_s:
                if block is None:
                    block = watch.block = _Block(watch.due)
                _look(block, watch.thread)
                if not block.told and now - block.due > 1.0:
                    block.told = True
                    self._tell(watch, block, now - block.due, ongoing=True)

    def _end(self, watch: _Watch, block: _Block, now: float) -> None:
        watch.block = None
        lasted = next((late for due, late in watch.lates if due == block.due), now - block.due)
        self._tell(watch, block, lasted, ongoing=False)

    def _tell(self, watch: _Watch, block: _Block, lasted: float, *, ongoing: bool) -> None:
        key, seen = block.stacks.most_common(1)[0] if block.stacks else ("", 0)
        stack = block.example.get(key, [])
        self._board.event(
            "loop-blocked",
            began_s=round(block.due, 6),
            lag_ms=round(lasted * 1000, 1),
            ongoing=ongoing,
            loop=watch.kind,
            thread=watch.thread,
            where=application_place(stack),
            stack=stack,
            seen=seen,
            looks=block.looks,
            callbacks=len(block.callbacks),
        )

    def gauge(self, sample: Sample) -> None:
        watches = list(self._watches.values())
        if not watches:
            return
        now = time.monotonic()
        lates: list[float] = []
        for watch in watches:
            taken, watch.lates = watch.lates, []
            for _, late in taken:
                if late > BEAT_S:
                    _spread(lates, late)
                else:
                    lates.append(late)
            overdue = now - watch.due
            if overdue > BEAT_S:
                _spread(lates, overdue)
        if lates:
            lates.sort()
            last = len(lates) - 1
            sample["loop_lag_p50_ms"] = lates[last // 2] * 1000
            sample["loop_lag_p99_ms"] = lates[round(last * 0.99)] * 1000
            sample["loop_lag_max_ms"] = lates[last] * 1000
        blocks = self._ended_blocks + sum(watch.blocks for watch in watches)
        sample["loop_blocks_total"] = blocks
        sample["tasks"] = _tasks_alive()

    def settings(self) -> dict[str, object]:
        return {"loops": sorted(watch.kind for watch in list(self._watches.values()))}


_loops: _Loops | None = None


def install(board: Board, library: ModuleType | None) -> None:
    """Sees each loop start and stop through ``_set_running_loop``, which every loop calls.

    uvloop takes that function from asyncio as it is imported, which is later than this.
    """
    global _loops
    asyncio: Any = library
    loops = _loops = _Loops(board)
    original = asyncio.events._set_running_loop

    def set_running_loop(loop: Any) -> None:
        original(loop)
        try:
            loops.running(loop)
        except Exception as error:  # noqa: BLE001 - a loop must start without us, too
            asyncio.events._set_running_loop = asyncio._set_running_loop = original
            board.failed("event_loop", error)

    asyncio.events._set_running_loop = asyncio._set_running_loop = set_running_loop
    board.ticks["event_loop"] = loops.tick
    board.gauges["event_loop"] = loops.gauge
    board.settings["event_loop"] = loops.settings


def loop_threads() -> frozenset[int]:
    """The threads in which a loop runs now."""
    return _loops.threads() if _loops is not None else frozenset()


def after_fork() -> None:
    """The parent's loops do not run in the child."""
    if _loops is not None:
        _loops.forget()


def _look(block: _Block, thread: int) -> None:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return
    stack = places(frame)
    key = repr(stack)
    block.stacks[key] += 1
    block.example.setdefault(key, stack)
    if len(block.example) > 20:
        block.example = {key: stack}
        block.stacks = Counter({key: block.stacks[key]})
    block.looks += 1
    block.callbacks.add(_callback(frame))


def _callback(frame: Any) -> int:
    """Which callback of the loop the thread is in: the identity of its outermost frame."""
    below = frame
    while frame.f_back is not None:
        below, frame = frame, frame.f_back
        if frame.f_code.co_name in ("_run", "run_forever") and "asyncio" in (
            frame.f_code.co_filename
        ):
            break
    return id(below)


def _spread(lates: list[float], late: float) -> None:
    """Adds the lateness of a heartbeat and of those that were due while it was late."""
    step = max(BEAT_S, late / _SAMPLES)
    lates.append(late)
    late -= step
    while late > 0:
        lates.append(late)
        late -= step


def _tasks_alive() -> int:
    asyncio: Any = sys.modules["asyncio"]
    known = getattr(asyncio.tasks, "_all_tasks", None)
    return len(known) if known is not None else len(every_task(asyncio))
