"""asyncpg's own pools."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.board import Board
from syncline_probe.pool import PoolState, Reading
from syncline_probe.pools import family

_states: dict[int, PoolState] = {}  # a pool has no room for an attribute, nor for a weakref


def install(board: Board, library: ModuleType | None) -> None:
    pool: Any = vars(library)["Pool"]
    pools = family(board, "pool")
    working_for = requests.follow()
    original_acquire, original_release = pool._acquire, pool.release

    async def acquire(self: Any, timeout: float | None) -> Any:
        state = _states.get(id(self))
        if state is None:
            state = _states[id(self)] = pools.add(PoolState(self, _read))
        queue = self._queue
        if queue is None or not queue.empty():
            connection = await original_acquire(self, timeout)
        else:
            with state.waiting((asyncio.TimeoutError, TimeoutError)):
                connection = await original_acquire(self, timeout)
        state.taken(id(connection))
        return connection

    async def release(self: Any, connection: Any, **options: Any) -> Any:
        state = _states.get(id(self))
        if state is not None:
            state.given_back(id(connection))
        request = working_for()
        if request is None:
            return await original_release(self, connection, **options)
        request.in_statement = True  # the pool's own reset is none of the application's
        try:
            return await original_release(self, connection, **options)
        finally:
            request.in_statement = False

    pool._acquire, pool.release = acquire, release


def _read(pool: Any) -> Reading:
    holders = list(pool._holders)
    opened = sum(one.is_connected() for one in holders)
    idle = sum(one.is_connected() and one.is_idle() for one in holders)
    settings: dict[str, object] = {"kind": "asyncpg.Pool", "min_size": pool._minsize}
    size = pool._maxsize
    return Reading("asyncpg", size, size, opened, opened - idle, settings)
