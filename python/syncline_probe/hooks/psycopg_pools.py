"""psycopg's own pools, sync and async."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.pool import PoolState, Reading
from syncline_probe.pools import PoolFamily, family

_STATE = "_syncline_state"


def install(board: Board, library: ModuleType | None) -> None:
    psycopg_pool: Any = library
    pools = family(board, "pool")
    timeout = psycopg_pool.PoolTimeout
    for kind in (psycopg_pool.ConnectionPool, psycopg_pool.NullConnectionPool):
        if "getconn" in vars(kind):
            _hook(kind, pools, timeout)
    for kind in (psycopg_pool.AsyncConnectionPool, psycopg_pool.AsyncNullConnectionPool):
        if "getconn" in vars(kind):
            _hook_async(kind, pools, timeout)


def _hook(kind: Any, pools: PoolFamily, expired: type[BaseException]) -> None:
    original_get, original_put = kind.getconn, kind.putconn

    def getconn(self: Any, *args: Any, **options: Any) -> Any:
        state = _state(self, pools, blocking=True)
        if self._pool:
            connection = original_get(self, *args, **options)
        else:
            with state.waiting(expired):
                connection = original_get(self, *args, **options)
        state.taken(id(connection))
        return connection

    def putconn(self: Any, conn: Any) -> Any:
        _state(self, pools, blocking=True).given_back(id(conn))
        return original_put(self, conn)

    kind.getconn, kind.putconn = getconn, putconn


def _hook_async(kind: Any, pools: PoolFamily, expired: type[BaseException]) -> None:
    original_get, original_put = kind.getconn, kind.putconn

    async def getconn(self: Any, *args: Any, **options: Any) -> Any:
        state = _state(self, pools, blocking=False)
        if self._pool:
            connection = await original_get(self, *args, **options)
        else:
            with state.waiting(expired):
                connection = await original_get(self, *args, **options)
        state.taken(id(connection))
        return connection

    async def putconn(self: Any, conn: Any) -> Any:
        _state(self, pools, blocking=False).given_back(id(conn))
        return await original_put(self, conn)

    kind.getconn, kind.putconn = getconn, putconn


def _state(pool: Any, pools: PoolFamily, *, blocking: bool) -> PoolState:
    state: PoolState | None = getattr(pool, _STATE, None)
    if state is None:
        state = pools.add(PoolState(pool, _read, blocking=blocking))
        setattr(pool, _STATE, state)
    return state


def _read(pool: Any) -> Reading:
    state: PoolState = getattr(pool, _STATE)
    opened = pool._nconns
    settings: dict[str, object] = {
        "kind": type(pool).__name__,
        "min_size": pool._min_size,
        "timeout_s": pool.timeout,
    }
    return Reading(pool.name, pool._min_size, pool._max_size, opened, len(state.holds), settings)
