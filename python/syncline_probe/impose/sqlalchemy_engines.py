"""SQLAlchemy's engines, sync and async, however and wherever they are created.

An engine's pool is changed at the engine's creation, while it is still empty: so it does not
matter whether ``create_engine``, a wrapper of it or a pool of the application's own made it.
``Engine.dispose`` makes the next pool like the last one, and so keeps what was imposed.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.impose.asked import Asked


def install(board: Board, asked: Asked, _library: ModuleType | None) -> None:
    interfaces: Any = sys.modules["sqlalchemy.engine.interfaces"]
    queue_pool: Any = sys.modules["sqlalchemy.pool.impl"].__dict__["QueuePool"]
    original = interfaces.Dialect.__dict__["engine_created"].__func__

    def engine_created(cls: Any, engine: Any) -> Any:
        try:
            _impose(asked, engine, queue_pool)
        except Exception as error:  # noqa: BLE001 - the service must get its engine
            board.failed("what-ifs on an engine", error)
            for name in asked.values:
                asked.refused(name, f"{type(error).__name__}: {error}"[:300])
        return original(cls, engine)

    interfaces.Dialect.engine_created = classmethod(engine_created)


def _impose(asked: Asked, engine: Any, queue_pool: Any) -> None:
    values, pool = asked.values, engine.pool
    if isinstance(pool, queue_pool):
        _impose_on_queue(asked, pool)
    else:
        name = type(pool).__name__
        for one in ("pool_size", "max_overflow", "pool_timeout"):
            asked.refused(one, f"the engine's pool is a {name}, which has no such setting")
    if "pool_pre_ping" in values:
        asked.took("pool_pre_ping", "on" if pool._pre_ping else "off")
        pool._pre_ping = values["pool_pre_ping"] == "on"
    if "echo" in values:
        asked.took("echo", "on" if engine.echo or engine._should_log_info() else "off")
        _set_echo(engine, values["echo"] == "on")


def _impose_on_queue(asked: Asked, pool: Any) -> None:
    values, queue = asked.values, pool._pool
    # Of what the pool holds already, each connection is in use or in the queue.
    if "pool_size" in values and queue.maxsize + pool._overflow:
        asked.refused("pool_size", "the engine was given a pool that is in use already")
    elif "pool_size" in values:
        size = int(values["pool_size"])
        asked.took("pool_size", queue.maxsize)
        unbounded = pool._max_overflow < 0
        pool._pool = type(queue)(size, use_lifo=queue.use_lifo)
        pool._overflow = -size
        if unbounded:  # size 0, which is no bound; a size has one
            pool._max_overflow = 0
    if "max_overflow" in values:
        asked.took("max_overflow", pool._max_overflow)
        pool._max_overflow = int(values["max_overflow"])
    if "pool_timeout" in values:
        asked.took("pool_timeout", pool._timeout)
        pool._timeout = float(values["pool_timeout"])


def _set_echo(engine: Any, on: bool) -> None:
    engine.echo = on
    if not on:
        # A logging configuration of the service's may ask for statements as well.
        engine._should_log_info = engine._should_log_debug = _never


def _never() -> bool:
    return False
