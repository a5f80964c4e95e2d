"""Single flight: one load per key at a time, and a failed one is tried again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from syncline_cases.authors.single_flight import AsyncSingleFlight, SingleFlight

LIMIT_S = 20.0
MANY = 30


class Load:
    """A load that lasts until it is let go, and counts how often it was asked for."""

    def __init__(self) -> None:
        self.count = 0
        self.started = threading.Event()
        self.release = threading.Event()
        self.fails = False

    def __call__(self) -> int:
        self.count += 1
        self.started.set()
        assert self.release.wait(LIMIT_S)
        if self.fails:
            self.fails = False
            raise ValueError("the database is gone")
        return self.count


def test_tasks_share_one_load_and_nothing_is_kept() -> None:
    async def scenario() -> None:
        flights, release, loads = AsyncSingleFlight[int](), asyncio.Event(), 0

        async def load() -> int:
            nonlocal loads
            loads += 1
            await release.wait()
            return loads

        tasks = [asyncio.ensure_future(flights.do("key", load)) for _ in range(MANY)]
        await asyncio.sleep(0)  # each has begun
        assert loads == 1
        release.set()
        assert await asyncio.gather(*tasks) == [1] * MANY
        assert await flights.do("key", load) == 2

    asyncio.run(scenario())


def test_tasks_load_different_keys_at_the_same_time() -> None:
    async def scenario() -> None:
        flights, both = AsyncSingleFlight[int](), asyncio.Barrier(2)
        await asyncio.wait_for(
            asyncio.gather(flights.do("a", both.wait), flights.do("b", both.wait)), LIMIT_S
        )

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_a_task_whose_load_fails_leaves_the_next_in_line_to_try(
    error: type[BaseException],
) -> None:
    async def scenario() -> None:
        flights, release, loads = AsyncSingleFlight[int](), asyncio.Event(), 0

        async def load() -> int:
            nonlocal loads
            loads += 1
            if loads == 1:
                await release.wait()
                raise error
            return loads

        tasks = [asyncio.ensure_future(flights.do("key", load)) for _ in range(3)]
        await asyncio.sleep(0)
        release.set()
        first, *others = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(first, error)
        assert others in ([2, 2], [2, 3])

    asyncio.run(scenario())


def test_threads_share_one_load_and_nothing_is_kept() -> None:
    flights, load = SingleFlight[int](), Load()
    with ThreadPoolExecutor(MANY) as pool:
        first = pool.submit(flights.do, "key", load)
        assert load.started.wait(LIMIT_S)
        others = [pool.submit(flights.do, "key", load) for _ in range(MANY - 1)]
        load.release.set()
        results = {done.result(LIMIT_S) for done in (first, *others)}
    # One that came after the landing loads again; nobody loads beside another.
    assert len(results) == load.count
    assert flights._flights == {}


def test_a_thread_that_comes_during_a_load_waits_for_it() -> None:
    flights, load = SingleFlight[int](), Load()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.do, "key", load)
        assert load.started.wait(LIMIT_S)
        flight = flights._flights["key"]
        waiting = threading.Event()
        result = flight.result

        def watched(timeout: float | None = None) -> int:
            waiting.set()
            return result(timeout)

        flight.result = watched  # type: ignore[method-assign]
        second = pool.submit(flights.do, "key", load)
        assert waiting.wait(LIMIT_S)
        load.release.set()
        assert first.result(LIMIT_S) == second.result(LIMIT_S) == load.count == 1


def test_a_thread_whose_load_fails_leaves_the_next_in_line_to_try() -> None:
    flights, load = SingleFlight[int](), Load()
    load.fails = True
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.do, "key", load)
        assert load.started.wait(LIMIT_S)
        second = pool.submit(flights.do, "key", load)
        load.release.set()
        with pytest.raises(ValueError, match="gone"):
            first.result(LIMIT_S)
        assert second.result(LIMIT_S) == 2
