"""What any Python process has: threads, descriptors, allocated blocks, garbage collection."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from types import ModuleType

from syncline_probe.board import Board, Sample


class _Collections:
    """Pauses by the garbage collector; its callbacks run one at a time, under the GIL."""

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0
        self._began = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            paused = time.perf_counter() - self._began
            self.count += 1
            self.total_s += paused
            if paused > self.longest_s:
                self.longest_s = paused


def install(board: Board, _library: ModuleType | None) -> None:
    collections = _Collections()
    gc.callbacks.append(collections)

    def often(sample: Sample) -> None:
        sample["threads"] = len(threading._active)  # type: ignore[attr-defined]
        sample["gc_collections_total"] = collections.count
        sample["gc_pause_s_total"] = collections.total_s
        sample["gc_pause_max_ms"] = collections.longest_s * 1000
        collections.longest_s = 0.0

    def seldom(sample: Sample) -> None:
        sample["allocated_blocks"] = sys.getallocatedblocks()
        sample["open_descriptors"] = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    board.gauges["process"] = often
    board.slow_gauges["process"] = seldom
