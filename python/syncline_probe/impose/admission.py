"""At most N requests inside the application at once, in each process: ASGI and WSGI.

Frameworks' and servers' hooks put :func:`held_asgi` and :func:`held_wsgi` around applications;
without the what-if they give them back as they are. A request passes one gate only: what is
called for one that is inside, such as a mounted application, lets it through. Lifespan and
websocket scopes pass.
"""

from __future__ import annotations

import _thread
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from syncline_probe.board import Board, Sample
from syncline_probe.impose.asked import Asked
from syncline_probe.impose.gate import Gate

_MARK = "syncline.admitted"
_gate: Gate | None = None
_asked: Asked | None = None


def install(board: Board, asked: Asked, _library: ModuleType | None) -> None:
    global _gate, _asked
    _gate = gate = Gate(int(asked.values["admission"]))
    _asked = asked

    def gauge(sample: Sample) -> None:
        oldest = gate.waiting[0].since_s if gate.waiting else None
        sample["admission_limit"] = gate.limit
        sample["admission_inside"] = gate.inside
        sample["admission_waiting"] = len(gate.waiting)
        sample["admission_oldest_ms"] = (
            1000 * (time.monotonic() - oldest) if oldest is not None else 0.0
        )
        sample["admission_waits_total"] = gate.waits
        sample["admission_wait_s_total"] = gate.wait_s

    board.gauges["admission"] = gauge


def after_fork() -> None:
    if _gate is not None:
        _gate.reset()


def held_asgi(call: Callable[..., Any]) -> Callable[..., Any]:
    """An ASGI callable, or the unbound ``__call__`` of its class, behind the gate."""
    gate = _gate
    if gate is None:
        return call
    import asyncio  # not at the start of a service that may never need it

    @functools.wraps(call)
    async def held(first: Any, second: Any, third: Any, *more: Any) -> None:
        # Called with too few it must fail as the application would: so uvicorn knows one.
        scope = second if more else first
        if scope["type"] != "http" or _MARK in scope:
            await call(first, second, third, *more)
            return
        scope[_MARK] = True
        _told()
        if not gate.enter():
            waiter = _OnLoop(asyncio.get_running_loop())
            if not gate.queue(waiter):
                try:
                    await waiter.future
                except BaseException:  # cancelled, or the loop ends
                    gate.give_up(waiter)
                    raise
        try:
            await call(first, second, third, *more)
        finally:
            gate.leave()

    return held


def held_wsgi(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same for WSGI: a place is free again when the body has been taken or closed."""
    gate = _gate
    if gate is None:
        return call

    @functools.wraps(call)
    def held(*args: Any) -> Any:
        environ = args[-2]
        if _MARK in environ:
            return call(*args)
        environ[_MARK] = True
        _told()
        if not gate.enter():
            waiter = _InThread()
            if not gate.queue(waiter):
                try:
                    waiter.wait()
                except BaseException:  # a worker that is told to end
                    gate.give_up(waiter)
                    raise
        try:
            body = call(*args)
        except BaseException:
            gate.leave()
            raise
        if type(body) in (list, tuple):
            gate.leave()
            return body
        return _Body(body, gate)

    return held


def _told() -> None:
    global _asked
    if _asked is not None:
        asked, _asked = _asked, None  # once is enough
        asked.took("admission", None)


class _OnLoop:
    """A request of an event loop; who leaves may be another thread, of another loop."""

    def __init__(self, loop: Any) -> None:
        self.since_s = time.monotonic()
        self.admitted = False
        self.future = loop.create_future()
        self._loop = loop
        self._thread = _thread.get_ident()

    def wake(self) -> None:
        if _thread.get_ident() == self._thread:
            self._set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class _InThread:
    """A request of a thread, or of what gevent has put in the place of threads."""

    def __init__(self) -> None:
        self.since_s = time.monotonic()
        self.admitted = False
        # Looked up now, not at import: by now gevent's is there, if it is used.
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def wait(self) -> None:
        self._lock.acquire()

    def wake(self) -> None:
        self._lock.release()


class _Body:
    """The body of an answer; while it is made piece by piece, its request is inside."""

    def __init__(self, body: Iterable[bytes], gate: Gate) -> None:
        self._body = body
        self._pieces: Iterator[bytes] | None = None
        self._gate: Gate | None = gate

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            if self._pieces is None:
                self._pieces = iter(self._body)
            return next(self._pieces)
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._leave()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def _leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.leave()
