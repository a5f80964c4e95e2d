"""CPU that a kind of work costs: making answers, writing the log.

Sampling stacks would not tell: the sampler gets the interpreter's lock where the service gives
it away, which is at system calls and not within an encoder. So the calls themselves are timed,
by their thread's own CPU clock. That is dear where there are many such calls, so of many it is
done for one stretch out of eight, and what was found in it stands for the others; of few all are
timed, since an eighth of them says little.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from syncline_probe.board import Board, Sample

_EVERY = 8  # turns of the sampler; in one of them calls are timed
_FEW = 400  # calls a second: to time them all is a thousandth of a core


class Effort:
    """Calls of one kind of work, and their CPU. What is called within such a call is part of it.

    Two threads that count at the same instant may lose a count; that is not worth a lock.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._local = threading.local()
        self._switches: list[_Switch] = []
        self._open = False
        self._turn = 0
        self._opened_s = 0.0
        self._counted_s = 0.0  # until when all is counted or stood for
        self._calls = 0  # since then
        self._cpu_s = 0.0
        self._all_calls = 0.0  # estimated
        self._all_cpu_s = 0.0

    def time_method(self, kind: Any, name: str) -> None:
        """Times a method of a class, for all of its instances."""
        switch = _Switch(method := getattr(kind, name), self._timed(method))
        switch.turn(timed=self._open)  # a library may come while a stretch is open, and stays so
        self._switches.append(switch)
        setattr(kind, name, switch)

    def time_function(self, module: Any, name: str) -> None:
        """Times a function of a module."""
        setattr(module, name, self._timed(getattr(module, name)))

    def _timed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        local = self._local

        @functools.wraps(original)
        def call(*args: Any, **options: Any) -> Any:
            # Who took this out of the class while a stretch was open calls it for good.
            if not self._open or getattr(local, "inside", False):
                return original(*args, **options)
            local.inside = True
            began = time.thread_time()
            try:
                return original(*args, **options)
            finally:
                self._cpu_s += time.thread_time() - began
                self._calls += 1
                local.inside = False

        return call

    def report(self, board: Board) -> None:
        """Puts it on the board; once is enough."""
        board.ticks.setdefault(f"effort {self._prefix}", self.tick)
        board.gauges.setdefault(f"effort {self._prefix}", self._gauge)

    def tick(self, now: float) -> None:
        """Opens and ends the stretches; called by the sampler, which may be late."""
        if self._open:
            length_s = now - self._opened_s
            few = self._calls < _FEW * length_s
            if length_s > 0:
                # It stands for the time since the one before, whether it has few or many: were
                # only those with many to stand for more, they would be found more than they are.
                self._count((now - self._counted_s) / length_s)
            self._opened_s = self._counted_s = now
            if not few:
                self._switch(on=False)
        elif self._turn % _EVERY == 0:
            self._opened_s = now
            self._counted_s = self._counted_s or now
            self._switch(on=True)
        self._turn += 1

    def _count(self, stands_for: float) -> None:
        # A call that outlasts its stretch comes in with the next.
        self._all_calls += stands_for * self._calls
        self._all_cpu_s += stands_for * self._cpu_s
        self._calls, self._cpu_s = 0, 0.0

    def _switch(self, *, on: bool) -> None:
        self._open = on
        for switch in self._switches:
            switch.turn(timed=on)

    def _gauge(self, sample: Sample) -> None:
        if self._all_calls:
            sample[f"{self._prefix}_calls_total"] = round(self._all_calls)
            sample[f"{self._prefix}_cpu_s_total"] = self._all_cpu_s


class _Switch:
    """A method in its class that is either the original or the timed one.

    A descriptor, because the class itself must not change: each change of a class ends what
    the interpreter keeps to find its attributes faster, and from 3.13 on only so many are borne.
    """

    def __init__(self, original: Any, timed: Any) -> None:
        self._original = original
        self._timed = timed
        self._now = original.__get__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self._now(instance, owner)

    def turn(self, *, timed: bool) -> None:
        self._now = (self._timed if timed else self._original).__get__


answers = Effort("answer")
log = Effort("log")
