"""A back end's processes from outside: how much of the machine the database takes."""

from __future__ import annotations

from typing import ClassVar

from syncline.observe import procfs
from syncline.observe.observer import Observer, Sample
from syncline.observe.processes import used
from syncline.observe.tree import Tree


class Server(Observer):
    """CPU of a back end, and how many processes it has.

    Args:
        name: of the back end, with which the quantities' names begin.
        tree: its processes.
    """

    name = "server"
    period_s = 0.5
    units: ClassVar[dict[str, str]] = {
        "postgres.cpu_cores": "cores",
        "mariadb.cpu_cores": "cores",
        "valkey.cpu_cores": "cores",
    }

    def __init__(self, name: str, tree: Tree) -> None:
        self._backend = name
        self._tree = tree
        self._before: tuple[float, float] | None = None
        self._before_at = 0.0

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`."""
        stats = [
            stat
            for pid in self._tree.pids(now)
            if (stat := procfs.stat(f"/proc/{pid}/stat")) is not None
        ]
        before, took_s = self._before, now - self._before_at
        self._before, self._before_at = used(stats), now
        found: Sample = {f"{self._backend}.processes": len(stats)}
        if before is not None and took_s > 0:
            grown_s = sum(self._before) - sum(before)
            found[f"{self._backend}.cpu_cores"] = max(0.0, grown_s) / took_s
        return found
