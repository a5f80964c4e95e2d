"""Where threads and tasks stand over some seconds: asked for, by a thread of its own.

Each look weighs the time since the one before, so that a thread that comes late, as it does
where the GIL is in demand, gives seconds and not a number of samples.
"""

from __future__ import annotations

import _thread
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from syncline_probe.stacks import Place, await_chain, every_task, is_own, places

_DEPTH = 100
_STACKS = 20_000
_MORE: list[Place] = [["", 0, "<more stacks>"]]
# A look at thousands of tasks takes milliseconds of the GIL: it may have this share of the time.
_BUDGET = 0.05
_JITTER = 0.3  # of the period, so that nothing periodic is always met at the same point


class WaitSampler:
    """Looks at all threads, or at all tasks, until it is told to end; then writes a file.

    Args:
        kind: ``lock`` looks at threads, ``await`` at tasks.
        path: of the file; it appears there whole, by a rename.
    """

    def __init__(self, kind: str, path: str, period_s: float) -> None:
        self._look = _threads if kind == "lock" else _tasks
        self._path = path
        self._period_s = period_s
        self._stacks: dict[tuple[int, ...], float] = {}
        self._frames: dict[tuple[object, ...], int] = {}
        self._samples = 0
        self._ending = False

    def start(self) -> None:
        """Starts the thread; by :mod:`_thread`, so that no exit waits for it."""
        _thread.start_new_thread(self._run, ())

    def end(self) -> None:
        """The thread writes the file as soon as it wakes."""
        self._ending = True

    def _run(self) -> None:
        began = last = time.monotonic()
        error = ""
        try:
            while not self._ending:
                woken = time.monotonic()
                self._add(woken - last)
                last = woken
                pause = max(self._period_s, (time.monotonic() - woken) / _BUDGET)
                time.sleep(pause * random.uniform(1 - _JITTER, 1 + _JITTER))
        except Exception as failure:  # noqa: BLE001 - told to who asked, never to the service
            error = repr(failure)
        content = {
            "seconds": last - began,
            "samples": self._samples,
            "error": error,
            "frames": list(self._frames),
            "stacks": [[list(stack), seconds] for stack, seconds in self._stacks.items()],
        }
        write_whole(self._path, json.dumps(content, default=str))

    def _add(self, seconds: float) -> None:
        self._samples += 1
        for found in self._look():
            key = tuple(
                self._frames.setdefault(tuple(at), len(self._frames)) for at in reversed(found)
            )
            if key not in self._stacks and len(self._stacks) >= _STACKS:
                key = (self._frames.setdefault(tuple(_MORE[0]), len(self._frames)),)
            self._stacks[key] = self._stacks.get(key, 0.0) + seconds


def write_whole(path: str, text: str) -> None:
    """A file that is there complete or not at all; one that cannot be written stays away."""
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            file.write(text)
        os.rename(part, path)  # noqa: PTH104 - no pathlib in a service
    except OSError as error:
        sys.stderr.write(f"syncline_probe: {path} could not be written: {error}\n")


def _threads() -> Iterator[list[Place]]:
    """The stacks of all threads but the probe's own, the innermost frame first."""
    for frame in sys._current_frames().values():
        found = places(frame, _DEPTH)
        if not is_own(str(found[-1][0])):
            yield found


def _tasks() -> Iterator[list[Place]]:
    """What every task that does not run now awaits, the innermost frame first."""
    asyncio = sys.modules.get("asyncio")
    for task in every_task(asyncio) if asyncio is not None else ():
        coroutine = task.get_coro()
        if task.done() or coroutine is None or getattr(coroutine, "cr_running", False):
            continue
        chain, _ = await_chain(coroutine)
        if chain:
            yield [_standing(task), *reversed(chain)]


def _standing(task: Any) -> Place:
    """A task without a future to wait for has been woken: it is the loop's turn."""
    future = getattr(task, "_fut_waiter", None)
    return ["", 0, "<ready>" if future is None else f"<awaits {type(future).__name__}>"]
