"""redis-py, and valkey-py, which is a copy of it: hits and misses, and connection pools."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from syncline_probe.board import Board, Sample
from syncline_probe.pool import PoolState, Reading
from syncline_probe.pools import family

_ONE = frozenset({"GET", "GETEX", "GETDEL", "HGET"})
_MANY = frozenset({"MGET", "HMGET"})
_STATE = "_syncline_state"


class _Reads:
    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.commands = 0

    def note(self, command: object, answer: Any) -> None:
        self.commands += 1
        if command in _ONE:
            self.hits += answer is not None
            self.misses += answer is None
        elif command in _MANY and isinstance(answer, list):
            missing = sum(one is None for one in answer)
            self.hits += len(answer) - missing
            self.misses += missing

    def gauge(self, sample: Sample) -> None:
        if self.commands:
            sample["cache_hits_total"] = self.hits
            sample["cache_misses_total"] = self.misses
            sample["cache_commands_total"] = self.commands


def install(board: Board, library: ModuleType | None) -> None:
    name = vars(library)["__name__"]
    client = "Valkey" if name == "valkey" else "Redis"
    reads = _Reads()
    for place in (f"{name}.client", f"{name}.asyncio.client"):
        if place in sys.modules:
            _read_by(getattr(sys.modules[place], client), reads, ".asyncio." in place)
    for place in (f"{name}.connection", f"{name}.asyncio.connection"):
        if place in sys.modules:
            _watch(board, sys.modules[place], blocking=".asyncio." not in place)
    board.gauges[f"{name}_reads"] = reads.gauge


def _read_by(client: Any, reads: _Reads, is_async: bool) -> None:
    original = client.execute_command

    @functools.wraps(original)
    def execute(self: Any, *args: Any, **options: Any) -> Any:
        answer = original(self, *args, **options)
        reads.note(args[0] if args else None, answer)
        return answer

    @functools.wraps(original)
    async def execute_async(self: Any, *args: Any, **options: Any) -> Any:
        answer = await original(self, *args, **options)
        reads.note(args[0] if args else None, answer)
        return answer

    client.execute_command = execute_async if is_async else execute


def _watch(board: Board, module: Any, *, blocking: bool) -> None:
    pools = family(board, "cache_pool")
    original = module.ConnectionPool.__init__

    @functools.wraps(original)
    def begin(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        setattr(self, _STATE, pools.add(PoolState(self, _read, blocking=blocking)))

    waiting = module.BlockingConnectionPool
    get = _timed if blocking else _timed_async
    waiting.get_connection = get(waiting.get_connection, module.ConnectionError)
    module.ConnectionPool.__init__ = begin


def _timed(original: Any, expired: type[BaseException]) -> Any:
    @functools.wraps(original)
    def get_connection(self: Any, *args: Any, **options: Any) -> Any:
        state = getattr(self, _STATE, None)
        if state is None or _in_use(self) < self.max_connections:
            return original(self, *args, **options)
        with state.waiting(expired):
            return original(self, *args, **options)

    return get_connection


def _timed_async(original: Any, expired: type[BaseException]) -> Any:
    @functools.wraps(original)
    async def get_connection(self: Any, *args: Any, **options: Any) -> Any:
        state = getattr(self, _STATE, None)
        if state is None or _in_use(self) < self.max_connections:
            return await original(self, *args, **options)
        with state.waiting(expired):
            return await original(self, *args, **options)

    return get_connection


def _in_use(pool: Any) -> int:
    # Of a sync blocking pool: a place for each connection. Without the queue's lock, which a
    # thread of the service may hold.
    places = getattr(getattr(pool, "pool", None), "queue", None)
    if places is not None:
        return int(pool.max_connections - len(places))
    return len(pool._in_use_connections)


def _read(pool: Any) -> Reading:
    used, limit = _in_use(pool), pool.max_connections
    opened = used + len(getattr(pool, "_available_connections", ()))
    if not hasattr(pool, "_available_connections"):
        opened = len(getattr(pool, "_connections", ()))
    settings: dict[str, object] = {"kind": type(pool).__name__}
    return Reading("redis", limit, limit, opened, used, settings)
