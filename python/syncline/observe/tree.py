"""The service's processes, looked for only so often: the search walks the whole machine."""

from __future__ import annotations

from collections.abc import Callable

_LOOK_EVERY_S = 1.0


class Tree:
    """The live processes of a service, as of a second ago at most.

    Args:
        find: looks for them.
    """

    def __init__(self, find: Callable[[], tuple[int, ...]]) -> None:
        self._find = find
        self._pids: tuple[int, ...] = ()
        self._found_at = -1e9

    def pids(self, now: float) -> tuple[int, ...]:
        """Their PIDs; one that ended meanwhile may still be among them."""
        if now - self._found_at >= _LOOK_EVERY_S:
            self._pids, self._found_at = self._find(), now
        return self._pids
