"""CPU that a kind of work costs: making answers, writing the log.

Sampling stacks would not tell: the sampler gets the interpreter's lock where the service gives
it away, which is at system calls and not within an encoder. So the calls themselves are timed,
by their thread's own CPU clock. That is dear where there are many such calls, so of many it is
done for one stretch out of sixteen, and what was found in it stands for the others; of few all are
timed, since a sixteenth of them says little.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from math import inf
from types import FunctionType
from typing import Any

from syncline_probe.board import Board, Sample
from syncline_probe.recoding import Recoded, copied, recodable, with_constants

_EVERY = 16  # turns of the sampler; in one of them calls are timed
_FEW = 400  # calls a second: to time them all is a thousandth of a core
_ENOUGH = 200  # a stretch that is likely to have so many ends then, at a heartbeat


class Effort:
    """Calls of one kind of work, and their CPU. What is called within such a call is part of it.

    Two threads that count at the same instant may lose a count; that is not worth a lock.
    """

    clock = staticmethod(time.thread_time)

    def __init__(self, prefix: str) -> None:
        self._prefix, self._name = prefix, f"effort {prefix}"
        self.local = _Local()
        self._hasty: set[str] = set()  # the board's, once it is there
        self._switches: list[_Switch | Recoded | _Global] = []
        self.open = False
        self._turn = 0
        self._opened_s = 0.0
        self._lasts_s = inf
        self._counted_s = 0.0  # until when all is counted or stood for
        self.calls = 0  # since then
        self.cpu_s = 0.0
        self._all_calls = 0.0  # estimated
        self._all_cpu_s = 0.0

    def time_method(self, kind: Any, name: str) -> None:
        """Times a method of a class, for all of its instances."""
        method = getattr(kind, name)
        own = recodable(method) and vars(kind).get(name) is method
        switch: _Switch | Recoded
        if own:
            switch = Recoded(method, self._timed(copied(method)).__code__)
        else:
            switch = _Switch(method, self._timed(method))
            setattr(kind, name, switch)
        switch.turn(on=self.open)  # a library may come while a stretch is open, and stays so
        self._switches.append(switch)

    def time_function(self, module: Any, name: str) -> None:
        """Times a function of a module, for who has it from there."""
        setattr(module, name, self._timed(getattr(module, name)))

    def time_global(self, module: Any, name: str) -> None:
        """Times a function where a module calls it by a global name of its own, and only there."""
        original = getattr(module, name)
        switch = _Global(module, name, original, self._timed(original))
        switch.turn(on=self.open)
        self._switches.append(switch)

    def _timed(self, original: Callable[..., Any]) -> Any:
        given = {"the effort": self, "the original": original}
        code = with_constants(_timed_call.__code__, given)
        return functools.update_wrapper(FunctionType(code, globals()), original)

    def report(self, board: Board) -> None:
        """Puts it on the board; once is enough."""
        board.ticks.setdefault(self._name, self.tick)
        board.beats.setdefault(self._name, self.beat)
        self._hasty = board.hasty
        board.gauges.setdefault(self._name, self._gauge)

    def tick(self, now: float) -> None:
        """Opens and ends the stretches; called by the sampler, which may be late."""
        if self.open:
            self._look(now)
        elif self._turn % _EVERY == 0:
            self._opened_s = now
            self._counted_s = self._counted_s or now
            self._switch(on=True)
        self._turn += 1

    def beat(self, now: float) -> None:
        """Between two turns: a stretch of many calls ends once it is likely to have enough."""
        if self.open and now - self._opened_s >= self._lasts_s:
            self._look(now)

    def _look(self, now: float) -> None:
        length_s = now - self._opened_s
        few = self.calls < _FEW * length_s
        if length_s > 0:
            # By those before it: one that ended for what it has itself would be the shorter if it
            # happens to have a burst, and stand for the more.
            self._lasts_s = length_s * _ENOUGH / max(1, self.calls)
            # It stands for the time since the one before, whether it has few or many: were
            # only those with many to stand for more, they would be found more than they are.
            self._count((now - self._counted_s) / length_s)
        self._opened_s = self._counted_s = now
        if few:
            self._hurry(on=False)  # it goes on
        else:
            self._switch(on=False)

    def _hurry(self, *, on: bool) -> None:
        (self._hasty.add if on else self._hasty.discard)(self._name)

    def _count(self, stands_for: float) -> None:
        # A call that outlasts its stretch comes in with the next.
        self._all_calls += stands_for * self.calls
        self._all_cpu_s += stands_for * self.cpu_s
        self.calls, self.cpu_s = 0, 0.0

    def _switch(self, *, on: bool) -> None:
        self.open = on
        self._hurry(on=on and self._lasts_s < inf)
        for switch in self._switches:
            switch.turn(on=on)

    def _gauge(self, sample: Sample) -> None:
        if self._all_calls:
            sample[f"{self._prefix}_calls_total"] = round(self._all_calls)
            sample[f"{self._prefix}_cpu_s_total"] = self._all_cpu_s


class _Local(threading.local):
    inside = False  # whether the thread is in a call that is timed


def _timed_call(*args: Any, **options: Any) -> Any:
    # These two are put in for the two texts, and all else comes from them: it runs as the code of
    # another module's function, too.
    effort: Any = "the effort"
    original: Any = "the original"
    local = effort.local
    # Who took this out of the class while a stretch was open calls it for good.
    if not effort.open or local.inside:
        return original(*args, **options)
    local.inside = True
    began = effort.clock()
    try:
        return original(*args, **options)
    finally:
        took_s = effort.clock() - began
        effort.cpu_s += took_s
        effort.calls += 1
        local.inside = False


class _Switch:
    """A method in its class that is either the original or the timed one: of what has no code.

    A descriptor, because the class itself must not change: each change of a class ends what
    the interpreter keeps to find its attributes faster, and from 3.13 on only so many are borne.
    """

    def __init__(self, original: Any, timed: Any) -> None:
        self._original = original
        self._timed = timed
        self._now = original.__get__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self._now(instance, owner)

    def turn(self, *, on: bool) -> None:
        self._now = (self._timed if on else self._original).__get__


class _Global:
    """A module's global that is either the original or the timed one."""

    def __init__(self, module: Any, name: str, original: Any, timed: Any) -> None:
        self._module = module
        self._name = name
        self._original = self._now = original
        self._timed = timed

    def turn(self, *, on: bool) -> None:
        value = self._timed if on else self._original
        # If it is neither, somebody else has changed it: then it is left to them.
        if value is not self._now and getattr(self._module, self._name, None) is self._now:
            setattr(self._module, self._name, value)
            self._now = value


answers = Effort("answer")
log = Effort("log")
