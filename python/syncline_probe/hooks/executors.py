"""ThreadPoolExecutors, asyncio's default one among them: threads, and what waits for one."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

from syncline_probe.board import Board, Sample

_executors: set[weakref.ref[Any]] = set()  # to go through a WeakSet costs thrice as much


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    original = module.ThreadPoolExecutor.__init__

    def begin(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        _executors.add(weakref.ref(self, _executors.discard))

    module.ThreadPoolExecutor.__init__ = begin
    board.gauges["executors"] = _gauge


def _gauge(sample: Sample) -> None:
    found = [executor for one in list(_executors) if (executor := one()) is not None]
    if found:
        sample["executor_queued"] = sum(one._work_queue.qsize() for one in found)
        sample["executor_threads"] = sum(len(one._threads) for one in found)
        sample["executor_threads_max"] = sum(one._max_workers for one in found)


def after_fork() -> None:
    _executors.clear()
