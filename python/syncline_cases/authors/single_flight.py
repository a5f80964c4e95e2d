"""One load per key at a time: who comes while it is under way waits for its result.

Per process: of N workers at most N load the same key at once. A load that fails is its
caller's error; the next in line tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """For threads."""

    def __init__(self) -> None:
        self._flights: dict[str, Future[T]] = {}
        self._lock = Lock()

    def do(self, key: str, load: Callable[[], T]) -> T:
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    own = self._flights[key] = Future[T]()
                    break
            try:
                return flight.result()
            except CancelledError:
                continue  # that load failed
        try:
            value = load()
        except BaseException:
            self._land(key)
            own.cancel()
            raise
        self._land(key)
        own.set_result(value)
        return value

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


class AsyncSingleFlight(Generic[T]):
    """For tasks of one event loop."""

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Future[T]] = {}

    async def do(self, key: str, load: Callable[[], Awaitable[T]]) -> T:
        while (flight := self._flights.get(key)) is not None:
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result()
        own = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            value = await load()
        except BaseException:
            own.cancel()
            raise
        else:
            own.set_result(value)
            return value
        finally:
            del self._flights[key]
