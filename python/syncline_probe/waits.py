"""Times in buckets, as a pool's waits are counted."""

from __future__ import annotations

from bisect import bisect_left

BOUNDS_S = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Waits:
    """A histogram of fixed buckets. ``add`` is called under the GIL and needs no lock:
    two that coincide may lose a count, and no wait of a thread is worth that exactness.

    Attributes:
        counts: one per bound, of times up to it, and one for longer times.
        total_s, longest_s: of all.
    """

    __slots__ = ("counts", "longest_s", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds
        if seconds > self.longest_s:
            self.longest_s = seconds

    def row(self) -> dict[str, object]:
        """As a summary sends it."""
        return {
            "bounds_s": list(BOUNDS_S),
            "counts": list(self.counts),
            "total_s": round(self.total_s, 6),
            "longest_s": round(self.longest_s, 6),
        }
