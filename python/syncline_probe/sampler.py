"""The probe's turns: by a live event loop at its heartbeats, else by a thread of the probe's own.

A thread that works has to take the interpreter's lock from the service, twenty times a second,
and that costs the service about as much again as the turn itself (2.9 % of ``users`` for 1.2 % of
a core). So the loop does them as long as it is alive, ten times a second, and the thread only sees
whether it is: when the loop stands still, or where there is none, the thread goes on.
"""

from __future__ import annotations

import _thread
import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING

from syncline_probe import hooks
from syncline_probe.board import TICK_S, Board, Sample
from syncline_probe.channel import Channel
from syncline_probe.importing import ImportWatch
from syncline_probe.inside import Standstill, everything
from syncline_probe.versions import versions
from syncline_probe.waking import Waking

if TYPE_CHECKING:
    from syncline_probe.profiling import Profiling

_TICKS_A_SAMPLE = 2
_SAMPLE_S = _TICKS_A_SAMPLE * TICK_S
_TICKS_A_SUMMARY = 20
_SPARE_S = 0.03  # a loop is said to live for so much longer, and does not say so at each heartbeat
_ARGV_LIMIT = 2048
_FORMS = 20  # of lines: of each turn, of one a second, and as numbers come and go


class Sampler:
    """Looks at the board ten times a second and sends what it saw.

    Its thread is started by :mod:`_thread` and not :mod:`threading`: it is in no list of the
    service's threads and no exit waits for it.
    """

    def __init__(self, path: str, nonce: str) -> None:
        self.board = Board()
        self.board.alive = self._alive
        self.imports = ImportWatch()
        self._nonce = nonce
        self._path = path
        self._channel = Channel(path)
        # Held while a turn is taken; a fork takes it first, maybe by a signal amid a loop's turn.
        self._working = _thread.RLock()
        self._ticks = 0
        self._due_s = 0.0  # the next turn
        self._alive_until_s = 0.0  # a loop takes the turns
        self._waking = Waking()
        self._asked = b""  # left to the thread, as is a look at all stacks
        self._reason = ""
        self._generation = 0
        self._greeted = 0
        self._settings = ""  # those sent last, as text
        self._late_s = 0.0
        self._cpu_s = 0.0  # that the turns have taken
        self._line = _Line()
        self._standstill = Standstill()
        self._profiling: Profiling | None = None  # until one is asked for

    def install_hooks(self) -> None:
        """Lets each hook wait for its library."""
        hooks.install(self.board, self.imports)
        sys.meta_path.insert(0, self.imports)

    def start(self) -> None:
        """Starts the thread."""
        self._generation += 1
        _thread.start_new_thread(self._run, (self._generation,))

    def stop(self) -> None:
        """Lets the thread end."""
        self._generation += 1
        self._waking.at(time.monotonic())

    def pause(self) -> None:
        """Before a fork: waits until the thread is between two turns."""
        self._working.acquire()

    def resume(self) -> None:
        """After a fork, in the parent."""
        self._working.release()

    def restart_in_child(self) -> None:
        """After a fork, in the child: a connection and a thread of its own."""
        self._working = _thread.RLock()
        self._alive_until_s = 0.0
        self._asked, self._reason = b"", ""
        self._waking.abandon()
        self._waking = Waking()
        self._channel.abandon()
        self._channel = Channel(self._path)
        self._greeted = 0
        self._cpu_s = 0.0
        self._settings = ""
        self._profiling = None
        self.board.taken_events()
        hooks.after_fork(self.board)
        self.start()

    def _run(self, generation: int) -> None:
        due = time.monotonic()
        while generation == self._generation:
            # A loop that lives is looked at again when it may be thought frozen, and not before: so
            # its standing still is seen as soon, and as often, whenever it begins.
            due = max(due + TICK_S, self._alive_until_s)
            now = time.monotonic()
            if due > now:
                self._waking.sleep(due)
                now = time.monotonic()
                due = min(now, max(due, self._alive_until_s))  # it may have been put off
            else:
                due = now  # behind: start counting afresh, do not hurry after
            self._late_s = max(self._late_s, now - due)
            if now < self._alive_until_s and not self._asked and not self._reason:
                continue
            with self._working:
                try:
                    if now >= self._alive_until_s:
                        self._due_s = now + TICK_S
                        self._turn(1)
                    self._answer()
                except Exception as error:  # noqa: BLE001 - the thread must outlive its faults
                    self.board.failed("sampler", error)

    def _alive(self, now_s: float, until_s: float) -> None:
        if self._asked or self._reason:
            self._alive_until_s = until_s
            # At each heartbeat until it is done: the thread may just be going to sleep.
            self._waking.at(now_s)
        elif until_s > self._alive_until_s:
            self._alive_until_s = until_s + _SPARE_S
            self._waking.at(self._alive_until_s)
        late_s, working = now_s - self._due_s, self._working
        if (late_s < 0 and not self.board.hasty) or not working.acquire(blocking=False):
            return
        try:
            if late_s < 0:
                self.board.asked(self.board.beats, now_s)
                return
            # Heartbeats are no divisor of the turns: the next counts from where this one was due.
            self._due_s = now_s + _SAMPLE_S - (late_s if late_s < TICK_S else 0)
            self._turn(_TICKS_A_SAMPLE)
        except Exception as error:  # noqa: BLE001 - the loop is the service's
            self.board.failed("sampler", error)
        finally:
            working.release()

    def _turn(self, ticks: int) -> None:
        began = time.thread_time()
        try:
            self._look(ticks)
        finally:
            self._cpu_s += time.thread_time() - began

    def _look(self, ticks: int) -> None:
        before, self._ticks = self._ticks, self._ticks + ticks
        self.board.asked(self.board.ticks, time.monotonic())
        if self._ticks // _TICKS_A_SAMPLE == before // _TICKS_A_SAMPLE:
            return
        if not self._channel.connected():
            return
        self._greet()
        slow = self._ticks // _TICKS_A_SUMMARY != before // _TICKS_A_SUMMARY
        self._send_sample(slow=slow)
        if slow:
            self._send_summary()
        for event in self.board.taken_events():
            self._send("event", **event)
        self._reason = self._standstill.noticed() or self._reason
        self._asked += self._channel.asked()

    def _answer(self) -> None:
        asked, self._asked = self._asked, b""
        reason, self._reason = self._reason, ""
        if b'"profile' in asked:
            self._profile(asked)
        if b'"stacks"' in asked:
            self._send("stacks", reason="asked", **everything())
        elif reason:
            self._send("stacks", reason=reason, **everything())

    def _profile(self, asked: bytes) -> None:
        if self._profiling is None:
            from syncline_probe.profiling import Profiling

            self._profiling = Profiling()
        self._profiling.hear(asked)

    def _greet(self) -> None:
        if self._greeted == self._channel.connects:
            return
        self._greeted = self._channel.connects
        self._settings = ""
        self._send(
            "hello",
            protocol=1,
            pid=os.getpid(),
            ppid=os.getppid(),
            nonce=self._nonce,
            argv=_argv(),
            python=".".join(map(str, sys.version_info[:3])),
            versions=versions(),
        )

    def _send_sample(self, *, slow: bool) -> None:
        sample: Sample = {
            "sampler_late_ms": self._late_s * 1000,
            "probe_cpu_s_total": self._cpu_s,
        }
        self._late_s = 0.0
        self.board.asked(self.board.gauges, sample)
        if slow:
            self.board.asked(self.board.slow_gauges, sample)
            sample["probe_dropped_total"] = self._channel.dropped + self.board.events_lost
        self._channel.send_line(self._line.of(time.monotonic(), sample))

    def _send_summary(self) -> None:
        rows = self.board.asked(self.board.summaries)
        self._send("summary", **rows)
        settings = self.board.asked(self.board.settings)
        # Compared as text: what is listed may be changed in place meanwhile.
        text = json.dumps(settings, default=str)
        if text != self._settings:
            self._settings = text
            self._send("settings", versions=versions(), **settings)

    def _send(self, kind: str, **fields: object) -> None:
        self._channel.send({"kind": kind, "t_s": round(time.monotonic(), 6), **fields})


class _Line:
    """A sample as JSON, by a form that is kept for each set of numbers that comes.

    To round thirty numbers and to encode them cost thrice as much, a tenth of the turn.
    """

    def __init__(self) -> None:
        self._forms: dict[tuple[str, ...], str] = {}

    def of(self, t_s: float, sample: Sample) -> str:
        """The line. What is infinite, as a limiter's tokens may be, is left out."""
        if not math.isfinite(sum(sample.values())):
            sample = {name: value for name, value in sample.items() if math.isfinite(value)}
        names = tuple(sample)
        form = self._forms.get(names)
        if form is None:
            if len(self._forms) >= _FORMS:
                self._forms.clear()
            keys = (json.dumps(name).replace("%", "%%") for name in names)
            fields = ",".join(f"{key}:%.4f" for key in keys)
            form = self._forms[names] = f'{{"kind":"sample","t_s":%.6f,"values":{{{fields}}}}}'
        return form % (t_s, *sample.values())


def _argv() -> list[str]:
    """The command line as the kernel has it; ``sys.argv`` is not set yet, or rewritten."""
    try:
        with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - no pathlib in a service
            data = file.read(_ARGV_LIMIT)
    except OSError:
        return list(sys.argv)
    return data.decode("utf-8", "replace").rstrip("\0").split("\0")
