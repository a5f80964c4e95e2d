"""The machine that all share: its cores, what was stolen from it, its memory."""

from __future__ import annotations

import re
import time
from typing import ClassVar

from syncline.observe import procfs
from syncline.observe.observer import Blind, Observer, Sample

_EACH = 64  # of more cores the mean is told, but not each
_AVAILABLE = re.compile(rb"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


class Machine(Observer):
    """Use of each core and of all, of Syncline itself, steal, waits for the disk, memory left.

    Shares are of the time since the last sample. ``/proc/stat`` is the whole machine's, also
    from within a container.
    """

    name = "machine"
    period_s = 0.2
    units: ClassVar[dict[str, str]] = {
        "machine.cpu_share": "share",
        "machine.cpu_share.": "share",
        "machine.steal_share": "share",
        "machine.iowait_share": "share",
        "machine.syncline_cores": "cores",
        "machine.memory_available_bytes": "bytes",
    }

    def __init__(self) -> None:
        self._before: dict[str, list[int]] = {}
        self._own_s = self._own_at = 0.0

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`."""
        data = procfs.read("/proc/stat")
        if not data:
            raise Blind("The use of the processors cannot be read from /proc/stat.")
        ticks: dict[str, list[int]] = {}
        for line in data.decode("ascii", "replace").splitlines():
            label, *words = line.split()
            if not label.startswith("cpu"):
                break
            ticks[label.removeprefix("cpu")] = [int(word) for word in words[:8]]
        before, self._before = self._before, ticks
        found: Sample = {}
        for core, counts in ticks.items():
            used = [new - old for new, old in zip(counts, before.get(core, ()), strict=False)]
            whole = sum(used)
            if whole <= 0:
                continue
            # user nice system idle iowait irq softirq steal (proc_stat(5))
            idle, iowait, steal = used[3], used[4], used[7] if len(used) > 7 else 0
            busy = (whole - idle - iowait - steal) / whole
            if not core:
                found["machine.cpu_share"] = busy
                found["machine.steal_share"] = steal / whole
                found["machine.iowait_share"] = iowait / whole
            elif len(ticks) <= _EACH:
                found[f"machine.cpu_share.{core}"] = busy
        own_s, took_s = time.process_time(), now - self._own_at
        if before and took_s > 0:  # the generator runs in this process
            found["machine.syncline_cores"] = max(0.0, own_s - self._own_s) / took_s
        self._own_s, self._own_at = own_s, now
        if available := _AVAILABLE.search(procfs.read("/proc/meminfo") or b""):
            found["machine.memory_available_bytes"] = int(available[1]) * 1024
        return found
