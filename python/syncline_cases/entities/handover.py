"""A bounded queue between the event loop and threads that do the store's work."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeAlias

from syncline_cases.entities.request import Request

Perform: TypeAlias = Callable[[Sequence[Request]], list[bytes]]
Done: TypeAlias = Callable[[bytes], None]
_Job: TypeAlias = tuple[Request, Done]


class HandOver:
    """Threads that take requests from a queue of fixed length.

    Attributes:
        refused: how many requests found the queue full.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        perform: Perform,
        *,
        threads: int = 4,
        queue: int = 1024,
        together: int = 1,
    ) -> None:
        """
        Args:
            perform: answers requests, in a thread.
            queue: how many requests may wait for a thread.
            together: how many requests a thread takes at once, if so many wait.
        """
        self._loop = loop
        self._perform = perform
        self._together = together
        self._limit = queue
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._done: deque[tuple[Done, bytes]] = deque()
        self._woken = False
        self.refused = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"store-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]
        for thread in self._threads:
            thread.start()

    def give(self, request: Request, done: Done) -> bool:
        """Hands a request over; from the event loop only.

        Args:
            done: called in the event loop with the answer.

        Returns:
            False if the queue is full: nothing was handed over.
        """
        # Only this thread puts, so the queue cannot grow between the look and the put.
        if self._jobs.qsize() >= self._limit:
            self.refused += 1
            return False
        self._jobs.put((request, done))
        return True

    def close(self) -> None:
        """Ends the threads after they have done what was handed over."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, last = self._more(job)
            made = self._perform([request for request, _ in jobs])
            self._done.extend((done, answer) for (_, done), answer in zip(jobs, made, strict=True))
            # One wake-up for all that is done until the loop comes to look. It clears the mark
            # before it looks, so what is appended after its look finds the mark cleared.
            if not self._woken:
                self._woken = True
                self._loop.call_soon_threadsafe(self._deliver)
            if last:
                return

    def _more(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        try:
            while len(jobs) < self._together:
                job = self._jobs.get_nowait()
                if job is None:
                    return jobs, True
                jobs.append(job)
        except Empty:
            pass
        return jobs, False

    def _deliver(self) -> None:
        self._woken = False
        while self._done:
            done, answer = self._done.popleft()
            done(answer)
