"""Connection pools of httpcore, on which httpx stands: who waits for a way upstream."""

from __future__ import annotations

import functools
import sys
import weakref
from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.pool import PoolState, Reading
from syncline_probe.pools import family


class _All:
    """All pools of one library as one: a request that waits does not know its pool."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pools: weakref.WeakSet[Any] = weakref.WeakSet()


_kept: list[_All] = []


def install(board: Board, library: ModuleType | None) -> None:
    httpcore: Any = library
    every = _All(httpcore.__name__)
    _kept.append(every)
    state = PoolState(every, _read)
    expired = httpcore.PoolTimeout
    for kind in (httpcore.ConnectionPool, httpcore.AsyncConnectionPool):
        _watch(board, kind, every, state)
    for place, name, wrap in (
        ("_sync", "PoolRequest", _timed),
        ("_async", "AsyncPoolRequest", _timed_async),
    ):
        request = getattr(sys.modules[f"{httpcore.__name__}.{place}.connection_pool"], name)
        request.wait_for_connection = wrap(request.wait_for_connection, state, expired)


def _watch(board: Board, kind: Any, every: _All, state: PoolState) -> None:
    original = kind.__init__

    @functools.wraps(original)
    def begin(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        if not every.pools:
            family(board, "http_pool").add(state)
        every.pools.add(self)

    kind.__init__ = begin


def _timed(original: Any, state: PoolState, expired: type[BaseException]) -> Any:
    @functools.wraps(original)
    def wait_for_connection(self: Any, *args: Any, **options: Any) -> Any:
        state.checkouts += 1
        if self.connection is not None:
            return original(self, *args, **options)
        with state.waiting(expired):
            return original(self, *args, **options)

    return wait_for_connection


def _timed_async(original: Any, state: PoolState, expired: type[BaseException]) -> Any:
    @functools.wraps(original)
    async def wait_for_connection(self: Any, *args: Any, **options: Any) -> Any:
        state.checkouts += 1
        if self.connection is not None:
            return await original(self, *args, **options)
        with state.waiting(expired):
            return await original(self, *args, **options)

    return wait_for_connection


def _read(every: _All) -> Reading:
    pools = list(every.pools)
    limits = [pool._max_connections for pool in pools]
    limit = sum(limits) if all(one < sys.maxsize for one in limits) else None
    opened = sum(len(pool._connections) for pool in pools)
    busy = sum(not one.is_idle() for pool in pools for one in list(pool._connections))
    settings: dict[str, object] = {"pools": len(pools)}
    return Reading(every.name, limit or 0, limit, opened, busy, settings)
