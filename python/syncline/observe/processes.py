"""The service's processes from outside: CPU, memory, threads, descriptors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from syncline.observe import procfs
from syncline.observe.observer import Observer, Sample
from syncline.observe.tree import Tree
from syncline.outcome import Observation

# Of more processes the sum is told, but not each.
_EACH = 8
# The kernel walks all of a process's pages for its PSS.
_PSS_EVERY_S = 1.0
_DESCRIPTORS_EVERY_S = 0.5


class Processes(Observer):
    """CPU by process, RSS and PSS, threads and descriptors of a tree of processes.

    Memory is summed over the processes; pages that workers share count once in PSS and in
    each of them in RSS.

    Args:
        tree: the processes of the service.
    """

    name = "process"
    period_s = 0.1
    units: ClassVar[dict[str, str]] = {
        "process.cpu_cores": "cores",
        "process.cpu_user_cores": "cores",
        "process.cpu_system_cores": "cores",
        "process.cpu_cores.": "cores",
        "process.rss_bytes": "bytes",
        "process.pss_bytes": "bytes",
    }

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._pss_at = self._descriptors_at = -1e9
        self._before: dict[tuple[int, int], procfs.Stat] = {}
        self._before_at = 0.0
        self._number: dict[tuple[int, int], int] = {}
        self._words: dict[int, tuple[int, str]] = {}

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`. A process that ended is left out of the sums."""
        pids = self._tree.pids(now)
        stats = {
            (pid, stat.started): stat
            for pid in pids
            if (stat := procfs.stat(f"/proc/{pid}/stat")) is not None
        }
        self._name(stats)
        found: Sample = {
            "process.count": len(stats),
            "process.threads": sum(stat.threads for stat in stats.values()),
            "process.rss_bytes": sum(stat.rss_bytes for stat in stats.values()),
        }
        if now - self._descriptors_at >= _DESCRIPTORS_EVERY_S:
            found["process.descriptors"], self._descriptors_at = _descriptors(pids), now
        if now - self._pss_at >= _PSS_EVERY_S:
            found["process.pss_bytes"], self._pss_at = _pss(pids), now
        found |= self._cpu(stats, now)
        return found

    def observations(self) -> tuple[Observation, ...]:
        """Which process each number means."""
        return tuple(
            Observation(
                self.name,
                "process",
                f"Process {number} is {words} (PID {pid}).",
                data={"number": number, "pid": pid, "command": words},
            )
            for number, (pid, words) in sorted(self._words.items())
        )

    def _name(self, stats: dict[tuple[int, int], procfs.Stat]) -> None:
        """Numbers new processes from 1, in the order of their start."""
        for key in sorted(stats, key=lambda key: (key[1], key[0])):
            if key not in self._number and len(self._number) < _EACH:
                number = self._number[key] = len(self._number) + 1
                raw = procfs.read(f"/proc/{key[0]}/cmdline") or b""
                words = raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()
                self._words[number] = key[0], words[:200] or "a process without a command line"

    def _cpu(self, stats: dict[tuple[int, int], procfs.Stat], now: float) -> Sample:
        """CPU over the time since the last sample, in cores."""
        took_s, before = now - self._before_at, self._before
        self._before, self._before_at = stats, now
        if not before or took_s <= 0:
            return {}
        found: Sample = {}
        for key, stat in stats.items():
            # A process that is new since then has used all that it has used since then.
            last = before.get(key)
            mine_s = stat.user_s + stat.system_s - (last.user_s + last.system_s if last else 0.0)
            if number := self._number.get(key):
                found[f"process.cpu_cores.{number}"] = mine_s / took_s
        now_used, then_used = used(stats.values()), used(before.values())
        user, system = (max(0.0, new - old) for new, old in zip(now_used, then_used, strict=True))
        found["process.cpu_user_cores"] = user / took_s
        found["process.cpu_system_cores"] = system / took_s
        found["process.cpu_cores"] = (user + system) / took_s
        return found


def used(stats: Iterable[procfs.Stat]) -> tuple[float, float]:
    """User and system seconds of processes and of those that ended below them.

    What a child has used moves to its parent when it ends, so that the sum stays.
    """
    kept = tuple(stats)
    return (
        sum(stat.user_s + stat.children_user_s for stat in kept),
        sum(stat.system_s + stat.children_system_s for stat in kept),
    )


def _descriptors(pids: tuple[int, ...]) -> int | None:
    counts = [
        len(entries) for pid in pids if (entries := procfs.names(f"/proc/{pid}/fd")) is not None
    ]
    return sum(counts) if counts else None


def _pss(pids: tuple[int, ...]) -> int | None:
    sizes = []
    for pid in pids:
        for line in (procfs.read(f"/proc/{pid}/smaps_rollup") or b"").splitlines():
            if line.startswith(b"Pss:"):
                sizes.append(int(line.split()[1]) * 1024)
    return sum(sizes) if sizes else None
