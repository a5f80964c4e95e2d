"""At most so many inside at once, the others in the order in which they came.

A place is handed from who leaves to who waits longest, never put back for whoever is quickest,
so nobody who comes later overtakes. Event loops and threads may wait at the same gate.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol


class Waiter(Protocol):
    """Who waits; ``admitted`` is set, then ``wake`` called, by whichever thread leaves."""

    since_s: float
    admitted: bool

    def wake(self) -> None: ...


class Gate:
    """The places of one process.

    Invariant: ``inside`` counts the places taken, handed-over ones included, and is never above
    ``limit``; while anybody waits it equals it.

    Attributes:
        waits: how many had to wait so far; ``wait_s`` for how long in all.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reset()

    def reset(self) -> None:
        """Empties it: in a fork's child, those inside and before it are the parent's."""
        self.inside = 0
        self.waiting: deque[Waiter] = deque()
        self.waits = 0
        self.wait_s = 0.0
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Takes a place if there is one and nobody waits for it."""
        with self._lock:
            if self.inside >= self.limit:
                return False
            self.inside += 1
            return True

    def queue(self, waiter: Waiter) -> bool:
        """Takes a place, or lets the waiter wait; whether it has a place already."""
        with self._lock:
            if self.inside < self.limit:
                self.inside += 1
                return True
            self.waiting.append(waiter)
            return False

    def leave(self) -> None:
        """Hands the place on, or gives it up if nobody waits."""
        with self._lock:
            if not self.waiting:
                self.inside -= 1
                return
            waiter = self.waiting.popleft()
            waiter.admitted = True
            self._waited(waiter)
        waiter.wake()

    def give_up(self, waiter: Waiter) -> None:
        """The waiter goes away unserved; a place that it has been handed meanwhile goes on."""
        with self._lock:
            if not waiter.admitted:
                self.waiting.remove(waiter)
                self._waited(waiter)
                return
        self.leave()

    def _waited(self, waiter: Waiter) -> None:
        self.waits += 1
        self.wait_s += time.monotonic() - waiter.since_s
