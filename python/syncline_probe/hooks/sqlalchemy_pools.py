"""SQLAlchemy's pools, sync and async, wherever they are created.

The pool's event ``checkout`` fires once a connection was got, which is too late to see anyone
wait. So the wait is timed around the queue's ``get``, and the time out around the record.
No ``__init__`` is wrapped: ``create_engine`` reads their arguments' names from the code object.

While no request has a record, check-outs are not seen either. What is out when they are seen again
tells by its record's ``fairy_ref``, which is another for each use, whether it was all the time.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.board import Board
from syncline_probe.pool import Hold, PoolState, Reading
from syncline_probe.pools import PoolFamily, family
from syncline_probe.recoding import replaced

_UNKNOWN_S = 0.2  # out for that long, it is said since when
_clock = time.monotonic
_engines: weakref.WeakSet[Any] = weakref.WeakSet()
when_created: list[Callable[[Any], None]] = []  # called with each new engine


def install(board: Board, _library: ModuleType | None) -> None:
    base: Any = sys.modules["sqlalchemy.pool.base"]
    queue: Any = sys.modules["sqlalchemy.util.queue"]
    engine: Any = sys.modules["sqlalchemy.engine.interfaces"]
    pools = family(board, "pool")
    # All are looked up before the first is changed: a library without one is left as it was.
    created = engine.Dialect.__dict__["engine_created"].__func__
    changes: tuple[tuple[Any, str, Any], ...] = (
        (queue.Queue, "get", _timed_get(queue.Queue.get, queue.Empty)),
        (queue.AsyncAdaptedQueue, "get", _timed_get(queue.AsyncAdaptedQueue.get, queue.Empty)),
        (base.Pool, "_create_connection", _creating(base.Pool._create_connection, pools)),
        (engine.Dialect, "engine_created", classmethod(_engine_created(created, pools))),
    )
    sometimes: tuple[tuple[Any, str, Any], ...] = (
        (base._ConnectionRecord, "checkout", lambda original: _checkout(original, pools)),
        (base._ConnectionRecord, "checkin", _checkin),
        (base._ConnectionFairy, "detach", _detach),
    )
    for kind, name, _ in sometimes:
        getattr(kind, name)
    for kind, name, function in changes:
        setattr(kind, name, function)
    switches = [replaced(kind, name, wrap) for kind, name, wrap in sometimes]
    _Pool.sampled = all(switches)
    for switch in switches:
        if switch is not None and _Pool.sampled:
            requests.when_recording(switch.turn)
    # What has none yet: an attribute that is nowhere costs more than all else that is done here.
    for kind in (base.Pool, queue.Queue, queue.AsyncAdaptedQueue):
        kind._syncline_state = None
    base._ConnectionRecord._syncline_hold = None


class _Pool(PoolState):
    """One of these pools."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool, _read, blocking=not getattr(pool, "_is_asyncio", False))
        self._records: dict[int, weakref.ref[Any]] = {}
        self._unknown: dict[int, object] = {}  # out at the last look: records, and their marks
        self._unknown_s = 0.0
        self._engine: weakref.ref[Any] | None = None
        self._name = ""
        self._told: dict[str, object] = {}

    def created(self, record: Any) -> None:
        """It has one more connection."""
        self._records[id(record)] = weakref.ref(record)

    def knows(self, record: Any) -> bool:
        """Whether it was told of this one."""
        ref = self._records.get(id(record))
        return ref is not None and ref() is record

    def in_use(self) -> dict[int, Any]:
        """The records of the connections that are out."""
        found = {}
        for key, ref in list(self._records.items()):
            record = ref()
            if record is None:
                if self._records.get(key) is ref:  # and no other has come in its place
                    self._records.pop(key, None)
            elif record.fairy_ref is not None:
                found[key] = record
        return found

    def described(self, pool: Any) -> tuple[str, dict[str, object]]:
        """Its name, and what it was told; looked up until its engine is known."""
        engine = self._engine() if self._engine is not None else None
        if engine is None:
            engine = next((one for one in list(_engines) if one.pool is pool), None)
            self._name = kind = type(pool).__name__
            self._told = {"kind": kind}
            if engine is not None:
                self._engine = weakref.ref(engine)
                url = engine.url
                place = f"{url.host or ''}:{url.port or ''}/{url.database or ''}"
                self._name = f"{url.drivername}://{place}"
            self._told |= {"pre_ping": bool(pool._pre_ping), "recycle_s": pool._recycle}
        if engine is not None:
            self._told["echo"] = bool(engine.echo)
        return self._name, self._told

    def present(self) -> list[Hold]:
        if not self.watched:
            self._drop(self.in_use())
        return super().present()

    def watch(self, *, on: bool) -> None:
        began = on and not self.watched
        super().watch(on=on)
        if began:
            self._look(self._unknown)
            for hold in super().present():
                hold.last_s = None  # a transaction may have ended meanwhile

    def settle(self, ended: int) -> None:
        super().settle(ended)
        if self.watched and _clock() - self._unknown_s > _UNKNOWN_S:
            self._look(self._unknown)

    def _look(self, unknown: dict[int, object]) -> None:
        """Finds what is out and was not seen taken, if it was at the last look already."""
        now, in_use = _clock(), self.in_use()
        self._drop(in_use)
        for key, mark in unknown.items():
            record = in_use.get(key)
            if record is not None and record.fairy_ref is mark and key not in self.holds:
                record._syncline_hold = self.found(key, self._unknown_s, mark)
        self._unknown_s = now
        self._unknown = {
            key: record.fairy_ref for key, record in in_use.items() if key not in self.holds
        }

    def _drop(self, in_use: dict[int, Any]) -> None:
        """Forgets the holds that have ended unseen."""
        for key, hold in list(self.holds.items()):
            record = in_use.get(key)
            if record is None or record.fairy_ref is not hold.mark:
                self.holds.pop(key, None)
                if record is not None and record._syncline_hold is hold:
                    record._syncline_hold = None


def _watched(pool: Any, pools: PoolFamily) -> _Pool:
    """The state of a pool, from its engine's creation or its first use on."""
    state = _Pool(pool)
    pool._syncline_state = pools.add(state)
    queue = getattr(pool, "_pool", None)
    if queue is not None:
        queue._syncline_state = state
    return state


def _creating(original: Any, pools: PoolFamily) -> Any:
    def create_connection(self: Any) -> Any:
        record = original(self)
        (self._syncline_state or _watched(self, pools)).created(record)
        return record

    return create_connection


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
            key = id(record)
            if not state.knows(record):
                state.created(record)
            record._syncline_hold = state.taken(key, 3, record.fairy_ref)
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
    state: _Pool = pool._syncline_state
    name, settings = state.described(pool)
    queue = getattr(pool, "_pool", None)
    if queue is None:  # no queue: one connection a use, a thread, or in all
        out = len(state.in_use())
        return Reading(name, 0, None, out, out, settings)
    size = queue.maxsize
    limit = size + pool._max_overflow if pool._max_overflow > -1 else None
    opened = size + pool._overflow
    settings = settings | {"max_overflow": pool._max_overflow, "timeout_s": pool._timeout}
    return Reading(name, size, limit, opened, opened - _idle(queue), settings)
