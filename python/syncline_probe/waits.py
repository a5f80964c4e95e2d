"""Times in buckets, as a pool's waits are counted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TypeVar

_Any = TypeVar("_Any")
BOUNDS_S = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def _not_kept(_seconds: float) -> None: ...


def taken(kept: list[_Any]) -> list[_Any]:
    """What a list has, out of it; threads may append meanwhile, and one only takes."""
    new = kept[:]
    del kept[: len(new)]  # others may have come since
    return new


class Waits:
    """A histogram of fixed buckets.

    A time is only kept as it comes, and put into its bucket with the others of the same turn,
    which costs less than each by itself. ``settle`` has to be called now and then.

    Attributes:
        add: takes one time, in seconds; any thread may call it.
    """

    __slots__ = (
        *("_again", "_count", "_counts", "_longest_s", "_new", "_total_s"),
        *("_window", "_window_s", "add", "window"),
    )

    def __init__(self) -> None:
        self._new: list[float] = []
        self.add: Callable[[float], None] = self._new.append
        self._counts = [0.0] * (len(BOUNDS_S) + 1)
        self._count = 0.0
        self._total_s = 0.0
        self._longest_s = 0.0
        self._again = 0.0  # how often the window is still to be put into buckets
        self.begin()

    def begin(self) -> None:
        """What is settled from now on is what ``repeat`` repeats; ``window`` says how many."""
        if self._again:
            self._fill()
        self._window = [0] * len(self._counts)
        self._window_s = 0.0
        self.window = 0

    def close(self) -> None:
        """Nobody will ask again: what comes from now on is not kept."""
        self.add = _not_kept
        self._new.clear()

    def discard(self) -> None:
        """What came since the last time is not counted."""
        taken(self._new)

    def settle(self) -> None:
        """Puts into buckets what came since the last time; by the probe's turns only."""
        new = taken(self._new)
        if not new:
            return
        if self._again:
            self._fill()
        new.sort()
        new_s = sum(new)
        self._longest_s = max(self._longest_s, new[-1])
        self._count += len(new)
        self._total_s += new_s
        self._window_s += new_s
        self.window += len(new)
        below, at = 0, bisect_left(BOUNDS_S, new[0])
        while below < len(new):  # they are in few buckets mostly
            up_to = bisect_right(new, BOUNDS_S[at]) if at < len(BOUNDS_S) else len(new)
            self._counts[at] += up_to - below
            self._window[at] += up_to - below
            below, at = up_to, at + 1

    def repeat(self, times: float) -> None:
        """Counts once more what the window has, so many times: for what nobody timed."""
        self._count += times * self.window
        self._total_s += times * self._window_s
        self._again += times

    def _fill(self) -> None:
        for at, count in enumerate(self._window):
            self._counts[at] += self._again * count
        self._again = 0.0

    def count(self) -> int:
        """How many there were, as of the last turn."""
        return round(self._count)

    def total_s(self) -> float:
        """Their sum."""
        return self._total_s

    def row(self) -> dict[str, object]:
        """As a summary sends it: counts of times up to each bound, and of longer ones."""
        self._fill()
        return {
            "bounds_s": list(BOUNDS_S),
            "counts": [round(count) for count in self._counts],
            "total_s": round(self._total_s, 6),
            "longest_s": round(self._longest_s, 6),
        }
