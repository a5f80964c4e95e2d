"""The service's processes, looked for only so often: each look reads of the whole machine."""

from __future__ import annotations

from collections.abc import Callable

from syncline.observe import procfs

# For children of the known processes, and for what only the finder can find (daemons).
_LOOK_EVERY_S = 2.0
_FIND_EVERY_S = 10.0


class Tree:
    """The live processes of a service, as of two seconds ago at most.

    Args:
        find: looks for them, at a cost.
    """

    def __init__(self, find: Callable[[], tuple[int, ...]]) -> None:
        self._find = find
        self._pids: tuple[int, ...] = ()
        self._looked_at = self._found_at = -1e9

    def pids(self, now: float) -> tuple[int, ...]:
        """Their PIDs; one that ended meanwhile may still be among them."""
        if now - self._looked_at < _LOOK_EVERY_S:
            return self._pids
        self._looked_at = now
        if not self._pids or now - self._found_at >= _FIND_EVERY_S:
            self._pids, self._found_at = self._find(), now
        else:
            self._pids = _with_descendants(self._pids, _TABLE.parents(now))
        return self._pids


class _Table:
    """Every process's parent; trees that look at about the same time share one walk."""

    def __init__(self) -> None:
        self._kept: tuple[float, dict[int, int]] = (-1e9, {})

    def parents(self, now: float) -> dict[int, int]:
        walked_at, found = self._kept
        if now - walked_at >= _LOOK_EVERY_S / 2:
            found = procfs.parents()
            self._kept = now, found
        return found


_TABLE = _Table()


def _with_descendants(pids: tuple[int, ...], parents: dict[int, int]) -> tuple[int, ...]:
    found = {pid for pid in pids if pid in parents}
    # A child is mostly of a higher number than its parent; the loop is for when numbers wrap.
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return tuple(sorted(found))
