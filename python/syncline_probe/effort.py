"""CPU that a kind of work costs: making answers, writing the log.

Sampling stacks would not tell: the sampler gets the interpreter's lock where the service gives
it away, which is at system calls and not within an encoder. So the calls themselves are timed,
by their thread's own CPU clock, and every seventh only: that clock is a system call. (Seven, so
that it does not fall into step with what comes in twos, fours or tens.)
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from syncline_probe.board import Board, Sample

_EVERY = 7


class Effort:
    """Calls of one kind of work, and their CPU.

    Two threads that count at the same instant may lose a count; that is not worth a lock.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._calls = 0
        self._cpu_s = 0.0
        self._local = threading.local()

    def timed(self, original: Callable[..., Any], *, nests: bool = False) -> Callable[..., Any]:
        """The function, counted.

        Args:
            nests: whether calls of this kind occur within one another: then only the outermost
                counts. It is asked for, since to find out is dearer than all the rest.
        """
        return self._outermost(original) if nests else self._each(original)

    def _each(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **options: Any) -> Any:
            self._calls = calls = self._calls + 1
            if calls % _EVERY:
                return original(*args, **options)
            began = time.thread_time()
            try:
                return original(*args, **options)
            finally:
                self._cpu_s += _EVERY * (time.thread_time() - began)

        return call

    def _outermost(self, original: Callable[..., Any]) -> Callable[..., Any]:
        local, counted = self._local, self._each(original)

        @functools.wraps(original)
        def call(*args: Any, **options: Any) -> Any:
            if getattr(local, "inside", False):
                return original(*args, **options)
            local.inside = True
            try:
                return counted(*args, **options)
            finally:
                local.inside = False

        return call

    def report(self, board: Board) -> None:
        """Puts it on the board; once is enough."""
        board.gauges.setdefault(f"effort {self._prefix}", self._gauge)

    def _gauge(self, sample: Sample) -> None:
        if self._calls:
            sample[f"{self._prefix}_calls_total"] = self._calls
            sample[f"{self._prefix}_cpu_s_total"] = self._cpu_s


answers = Effort("answer")
log = Effort("log")
