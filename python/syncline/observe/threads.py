"""The service's threads from outside: the busiest one, and how often they change places."""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

from syncline.observe import procfs
from syncline.observe.observer import Observer, Sample
from syncline.observe.tree import Tree

_SWITCHES = re.compile(rb"^(?:non)?voluntary_ctxt_switches:\s+(\d+)$", re.MULTILINE)


class _Thread(NamedTuple):
    cpu_s: float
    voluntary: int
    involuntary: int


class Threads(Observer):
    """CPU of the busiest thread, and context switches of all.

    A thread's own counts end with it; the totals keep what it was last seen to have.

    Args:
        tree: the processes of the service.
    """

    name = "threads"
    period_s = 0.5
    units: ClassVar[dict[str, str]] = {"process.busiest_thread_cores": "cores"}

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._before: dict[int, _Thread] = {}
        self._before_at = 0.0
        self._voluntary = self._involuntary = 0

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`."""
        threads = {
            int(name): thread
            for pid in self._tree.pids(now)
            for name in procfs.names(f"/proc/{pid}/task") or ()
            if (thread := _thread(f"/proc/{pid}/task/{name}")) is not None
        }
        before, took_s = self._before, now - self._before_at
        self._before, self._before_at = threads, now
        busiest = 0.0
        for number, thread in threads.items():
            last = before.get(number)
            if last is None or thread.voluntary < last.voluntary:  # a new one of the same number
                last = _Thread(0.0, 0, 0)
            self._voluntary += thread.voluntary - last.voluntary
            self._involuntary += thread.involuntary - last.involuntary
            busiest = max(busiest, thread.cpu_s - last.cpu_s)
        found: Sample = {
            "process.switches_voluntary_total": self._voluntary,
            "process.switches_involuntary_total": self._involuntary,
        }
        if before and threads and took_s > 0:
            found["process.busiest_thread_cores"] = busiest / took_s
        return found


def _thread(path: str) -> _Thread | None:
    # Nanoseconds on a processor; the ticks of stat would be too coarse for one thread.
    schedule = (procfs.read(f"{path}/schedstat") or b"").split()
    counts = _SWITCHES.findall(procfs.read(f"{path}/status") or b"")
    if len(counts) != 2:
        return None
    if schedule:
        cpu_s = int(schedule[0]) / 1e9
    else:
        stat = procfs.stat(f"{path}/stat")
        cpu_s = stat.user_s + stat.system_s if stat else 0.0
    return _Thread(cpu_s, int(counts[0]), int(counts[1]))
