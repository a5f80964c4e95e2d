"""ThreadPoolExecutors, asyncio's default one among them: threads, and what waits for one."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

from syncline_probe.board import Board, Sample

_executors: weakref.WeakSet[Any] = weakref.WeakSet()


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    original = module.ThreadPoolExecutor.__init__

    def begin(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        _executors.add(self)

    module.ThreadPoolExecutor.__init__ = begin
    board.gauges["executors"] = _gauge


def _gauge(sample: Sample) -> None:
    found = list(_executors)
    if found:
        sample["executor_queued"] = sum(one._work_queue.qsize() for one in found)
        sample["executor_threads"] = sum(len(one._threads) for one in found)
        sample["executor_threads_max"] = sum(one._max_workers for one in found)


def after_fork() -> None:
    _executors.clear()
