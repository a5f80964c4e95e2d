"""SQLAlchemy's pools, sync and async, wherever they are created.

The pool's event ``checkout`` fires once a connection was got, which is too late to see anyone
wait. So the wait is timed around the queue's ``get``, and the time out around the record.
No ``__init__`` is wrapped: ``create_engine`` reads their arguments' names from the code object.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.pools import PoolFamily, PoolState, Reading, family

_engines: weakref.WeakSet[Any] = weakref.WeakSet()
when_created: list[Callable[[Any], None]] = []  # called with each new engine


def install(board: Board, _library: ModuleType | None) -> None:
    base: Any = sys.modules["sqlalchemy.pool.base"]
    queue: Any = sys.modules["sqlalchemy.util.queue"]
    engine: Any = sys.modules["sqlalchemy.engine.interfaces"]
    pools = family(board, "pool")
    # All are looked up before the first is changed: a library without one is left as it was.
    checkout = base._ConnectionRecord.__dict__["checkout"].__func__
    created = engine.Dialect.__dict__["engine_created"].__func__
    changes: tuple[tuple[Any, str, Any], ...] = (
        (queue.Queue, "get", _timed_get(queue.Queue.get, queue.Empty)),
        (queue.AsyncAdaptedQueue, "get", _timed_get(queue.AsyncAdaptedQueue.get, queue.Empty)),
        (base._ConnectionRecord, "checkout", classmethod(_checkout(checkout, pools))),
        (base._ConnectionRecord, "checkin", _checkin(base._ConnectionRecord.checkin)),
        (base._ConnectionFairy, "detach", _detach(base._ConnectionFairy.detach)),
        (engine.Dialect, "engine_created", classmethod(_engine_created(created, pools))),
    )
    for kind, name, function in changes:
        setattr(kind, name, function)
    # What has none yet: an attribute that is nowhere costs more than all else that is done here.
    for kind in (base.Pool, queue.Queue, queue.AsyncAdaptedQueue):
        kind._syncline_state = None
    base._ConnectionRecord._syncline_hold = None


def _watched(pool: Any, pools: PoolFamily) -> PoolState:
    """The state of a pool, from its engine's creation or its first use on."""
    state = PoolState(pool, _read, blocking=not getattr(pool, "_is_asyncio", False))
    pool._syncline_state = pools.add(state)
    queue = getattr(pool, "_pool", None)
    if queue is not None:
        queue._syncline_state = state
    return state


def _timed_get(original: Any, empty: type[BaseException]) -> Any:
    def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
        state = self._syncline_state
        if not block or state is None or _idle(self):
            return original(self, block, timeout)
        with state.waiting(empty):
            return original(self, block, timeout)

    return get


def _checkout(original: Any, pools: PoolFamily) -> Any:
    def checkout(cls: Any, pool: Any) -> Any:
        state = pool._syncline_state or _watched(pool, pools)
        fairy = original(cls, pool)
        record = fairy._connection_record
        if record is not None:
            record._syncline_hold = state.taken(id(record), 3)
        return fairy

    return checkout


def _checkin(original: Any) -> Any:
    def checkin(self: Any, *args: Any, **options: Any) -> Any:
        _release(self)
        return original(self, *args, **options)

    return checkin


def _detach(original: Any) -> Any:
    def detach(self: Any) -> Any:
        if self._connection_record is not None:
            _release(self._connection_record)
        return original(self)

    return detach


def _release(record: Any) -> None:
    hold = record._syncline_hold
    if hold is not None:
        record._syncline_hold = None
        hold.pool.given_back(id(record))


def _engine_created(original: Any, pools: PoolFamily) -> Any:
    def engine_created(cls: Any, engine: Any) -> Any:
        _engines.add(engine)
        _watched(engine.pool, pools)
        for call in when_created:
            call(engine)
        return original(cls, engine)

    return engine_created


def _idle(queue: Any) -> int:
    """Connections in a queue, without its lock: the sampler must not wait for the service."""
    own = vars(queue)  # an attribute that is not there costs as much as all the rest
    waiting = own.get("queue")
    if waiting is None:
        # Made on first use, by whoever uses it first; that must not be us.
        inner = own.get("_queue")
        waiting = inner._queue if inner is not None else ()
    return len(waiting)


def _read(pool: Any) -> Reading:
    state: PoolState = pool._syncline_state
    engine = next((one for one in list(_engines) if one.pool is pool), None)
    name = type(pool).__name__
    settings: dict[str, object] = {"kind": name}
    if engine is not None:
        url = engine.url
        name = f"{url.drivername}://{url.host or ''}:{url.port or ''}/{url.database or ''}"
        settings["echo"] = bool(engine.echo)
    settings["pre_ping"] = bool(pool._pre_ping)
    settings["recycle_s"] = pool._recycle
    queue = getattr(pool, "_pool", None)
    if queue is None:  # no queue: one connection a use, a thread, or in all
        out = len(state.holds)
        return Reading(name, 0, None, out, out, settings)
    size = queue.maxsize
    limit = size + pool._max_overflow if pool._max_overflow > -1 else None
    opened = size + pool._overflow
    settings |= {"max_overflow": pool._max_overflow, "timeout_s": pool._timeout}
    return Reading(name, size, limit, opened, opened - _idle(queue), settings)
