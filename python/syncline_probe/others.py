"""Requests without a record: who is inside, and how many of each route have left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from syncline_probe.waits import taken

if TYPE_CHECKING:
    from syncline_probe.request import Request

_COUNTED = 100  # of those that left since the last turn, by their routes


class Others:
    """The requests without a record.

    Attributes:
        inside: the coroutine of each that is inside the application, and its scope.
        seen_s: when each of those was first seen there.
        let_go: the records of those among them that had one; it is theirs again as they leave.
        left: takes what the router found for one that leaves; None where there is nothing.
        waiting: how many have left that nothing stands for yet, by the identity of that; where
            very many leave, of which routes they are is told by the last.
    """

    __slots__ = ("_left", "_routers", "inside", "left", "let_go", "seen_s", "waiting")

    def __init__(self) -> None:
        self.inside: dict[Any, Any] = {}
        self.seen_s: dict[Any, float] = {}
        self.let_go: set[Request] = set()
        self.waiting: dict[int, float] = {}
        self._routers: dict[int, object] = {}
        self._left: list[object] = []
        self.left: Callable[[object], None] = self._left.append

    def look(self, now: float) -> float:
        """Since when the one that was seen first is inside, as far as they were looked at."""
        before, seen_s = self.seen_s, dict.fromkeys(list(self.inside), now)
        seen_before = list(before)  # one may be taken out by another thread meanwhile
        for inner in set(seen_before).intersection(seen_s):  # mostly few are inside so long
            seen_s[inner] = before.get(inner, now)
        oldest_s = min(seen_s.values(), default=now)
        self.seen_s = seen_s
        return oldest_s

    def pending(self) -> float:
        """How many have left that are not added up yet."""
        return len(self._left) + (sum(list(self.waiting.values())) if self.waiting else 0)

    def take(self) -> list[object]:
        """Counts those that have left since the last time; what routers found for them."""
        new = taken(self._left)
        looked_at = new[-_COUNTED:]
        routers = list(map(id, looked_at))
        for router in set(routers):
            share = routers.count(router) * len(new) / len(routers)
            self.waiting[router] = self.waiting.get(router, 0) + share
        return looked_at

    def keep(self, routers: list[object]) -> None:
        """Keeps these as long as some are waiting, so that no other object gets an identity."""
        there = self._routers | {id(router): router for router in routers}
        self._routers = {key: there[key] for key in self.waiting}

    def forget(self) -> None:
        """In a fork's child."""
        for kept in (self.inside, self.seen_s, self.let_go, self.waiting, self._routers):
            kept.clear()
        self._left.clear()
