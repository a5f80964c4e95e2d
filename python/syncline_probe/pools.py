"""Connection pools of whatever library, in one form: who holds, who waits, for how long."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from syncline_probe import requests
from syncline_probe.board import Board, Sample
from syncline_probe.stacks import is_application
from syncline_probe.waits import Waits

_SITE_FRAMES = 3
_LOOK_FRAMES = 60
_POOLS = 64
# Climbing a stack costs more than all else of a check-out. All of the first ones do, and all while
# somebody has waited for long, so that a standstill has its places; of the others some a second.
_FIRST_SITES, _SITE_EVERY_S = 64, 0.1
_LONG_S = 0.05
_clock, _working_for = time.monotonic, requests.current.get


@dataclass(frozen=True, slots=True)
class Reading:
    """A pool as it is now.

    Attributes:
        size: connections that it keeps; ``limit`` those it may open, None if unbounded.
        opened: connections that exist; ``checked_out`` those in use.
        settings: what it was told, by the library's words.
    """

    name: str
    size: float
    limit: float | None
    opened: float
    checked_out: float
    settings: dict[str, object] = field(default_factory=dict)


class Hold:
    """One connection in use.

    Attributes:
        since_s: when it was taken; ``request`` for which.
        site: the application's frames that took it, the innermost first: code and line; empty
            if they were not looked at.
        busy_s: since when a statement runs on it; None between statements.
        last_s: when the last statement ended; None if no transaction is open.
        statement_s: time in statements so far.
    """

    __slots__ = ("busy_s", "last_s", "pool", "request", "since_s", "site", "statement_s")

    pool: PoolState
    site: Sequence[tuple[Any, int]]
    since_s: float
    request: requests.Request | None
    busy_s: float | None
    last_s: float | None
    statement_s: float


class PoolState:
    """What is counted of one pool beside what it tells itself.

    Attributes:
        waiters: who waits now, and since when; entries come and go by single steps.
        blocking: whether a wait stops the waiting thread.
        waits: how long those that had to wait did; ``held``: how long connections were out.
        longest: the longest hold of which the site was looked at.
    """

    def __init__(
        self, pool: object, read: Callable[[Any], Reading], *, blocking: bool = False
    ) -> None:
        self.pool: Callable[[], object | None]
        try:
            self.pool = weakref.ref(pool)
        except TypeError:  # its class has no room for that; then it lives as long as we do
            self.pool = lambda: pool
        self.blocking = blocking
        self._read = read
        self.waiters: dict[object, tuple[float, int]] = {}
        self.holds: dict[int, Hold] = {}
        self.waits = Waits()
        self.held = Waits()
        self.checkouts = 0
        self.timeouts = 0
        self.statement_s = 0.0
        self._longest_s = 0.0
        self._site_s = 0.0  # when a check-out is to be looked at again
        self.longest: dict[str, object] | None = None

    def reading(self) -> Reading | None:
        """What it says now; None once it is gone."""
        pool = self.pool()
        return None if pool is None else self._read(pool)

    @contextmanager
    def waiting(
        self, timeout: type[BaseException] | tuple[type[BaseException], ...]
    ) -> Iterator[None]:
        """Around a wait for a connection; a ``timeout`` raised in it counts as one."""
        token = object()
        began = time.monotonic()
        self.waiters[token] = (began, threading.get_ident())
        try:
            yield
        except timeout:
            self.timeouts += 1
            raise
        finally:
            del self.waiters[token]
            self.waits.add(time.monotonic() - began)

    def waiters_on_loop(self) -> int:
        """Waiters that block the very thread of an event loop, and all its requests with it."""
        if not self.blocking:
            return 0
        loop_module = sys.modules.get("syncline_probe.hooks.event_loop")
        threads = loop_module.loop_threads() if loop_module is not None else ()
        return sum(thread in threads for _, thread in list(self.waiters.values()))

    def _waited_long(self) -> bool:
        try:
            first = next(iter(self.waiters.values()))
        except (RuntimeError, StopIteration):  # another thread came or went meanwhile
            return True
        return time.monotonic() - first[0] > _LONG_S

    def taken(self, key: int, depth: int = 2) -> Hold:
        """A connection is out; ``depth`` frames above are the library's."""
        # Each check-out pays for this: all in one function, and no __init__.
        number = self.checkouts = self.checkouts + 1
        hold = Hold()
        hold.pool = self
        hold.site = ()
        hold.since_s = now = _clock()
        hold.request = _working_for()
        hold.busy_s = hold.last_s = None
        hold.statement_s = 0.0
        wanted = now >= self._site_s or number <= _FIRST_SITES
        if wanted or (self.waiters and self._waited_long()):
            self._site_s = now + _SITE_EVERY_S
            hold.site = take_site(sys._getframe(depth))
        self.holds[key] = hold  # last: others look at it from now on
        return hold

    def given_back(self, key: int) -> None:
        """It is back."""
        hold = self.holds.pop(key, None)
        if hold is None:
            return
        held_s = _clock() - hold.since_s
        self.statement_s += hold.statement_s
        if held_s > self._longest_s and hold.site:
            self._longest_s = held_s
            self.longest = _hold_row(hold, held_s)
        self.held.add(held_s)


_families: dict[str, PoolFamily] = {}


def family(board: Board, prefix: str) -> PoolFamily:
    """The pools whose numbers are told as ``<prefix>_checked_out`` and so on."""
    if prefix not in _families:
        _families[prefix] = PoolFamily(board, prefix)
    return _families[prefix]


def every_hold() -> list[Hold]:
    """All connections that are in use, of all pools."""
    return [hold for one in list(_families.values()) for hold in one.holds()]


def forget() -> None:
    """In a fork's child: nobody there holds or awaits what the parent's threads did."""
    for one in _families.values():
        one.forget()


class PoolFamily:
    """The pools whose numbers are told together, under one prefix."""

    def __init__(self, board: Board, prefix: str) -> None:
        self._prefix = prefix
        self._board = board
        self._states: list[PoolState] = []
        requests.follow()  # a hold is for one of them

    def add(self, state: PoolState) -> PoolState:
        """Watches a pool from now on."""
        if not self._states:
            self._board.gauges[f"{self._prefix}s"] = self._gauge
            self._board.summaries[f"{self._prefix}s"] = self._rows
            self._board.settings[f"{self._prefix}s"] = self._settings
            self._board.ticks[f"{self._prefix}s"] = self._tick
        if len(self._states) >= _POOLS:
            there = [one for one in self._states if one.pool() is not None]
            self._states = there[-_POOLS:]
            for one in there[:-_POOLS]:
                one.waits.close()
                one.held.close()
        self._states.append(state)
        return state

    def holds(self) -> list[Hold]:
        """The connections in use."""
        return [hold for state in list(self._states) for hold in list(state.holds.values())]

    def forget(self) -> None:
        """In a fork's child: nobody there holds or awaits what the parent's threads did."""
        for state in self._states:
            state.waiters.clear()
            state.holds.clear()

    def _tick(self, _now: float) -> None:
        for state in self._states:
            state.waits.settle()
            state.held.settle()

    def _gauge(self, sample: Sample) -> None:
        now = time.monotonic()
        states = list(self._states)
        readings = [reading for one in states if (reading := one.reading()) is not None]
        waits = [began for one in states for began, _ in list(one.waiters.values())]
        holds = self.holds()
        idle = [hold.last_s for hold in holds if hold.busy_s is None and hold.last_s is not None]
        numbers: dict[str, float] = {
            "size": sum(reading.size for reading in readings),
            "open": sum(reading.opened for reading in readings),
            "checked_out": sum(reading.checked_out for reading in readings),
            "overflow": sum(max(0, reading.opened - reading.size) for reading in readings),
            "waiters": len(waits),
            "waiters_on_loop": sum(one.waiters_on_loop() for one in states),
            "wait_oldest_ms": 1000 * (now - min(waits, default=now)),
            "held_oldest_ms": 1000 * (now - min((hold.since_s for hold in holds), default=now)),
            "checkouts_total": sum(one.checkouts for one in states),
            "waits_total": sum(one.waits.count() for one in states),
            "wait_s_total": sum(one.waits.total_s() for one in states),
            "held_s_total": sum(one.held.total_s() for one in states),
            "timeouts_total": sum(one.timeouts for one in states),
            "idle_transactions": len(idle),
            "idle_transaction_oldest_ms": 1000 * (now - min(idle, default=now)),
        }
        limits = [reading.limit for reading in readings]
        if limits and None not in limits:
            numbers["limit"] = sum(limit for limit in limits if limit is not None)
        for name, number in numbers.items():
            sample[f"{self._prefix}_{name}"] = number

    def _rows(self) -> list[dict[str, object]]:
        return [
            _row(number, state, reading)
            for number, state in enumerate(self._states)
            if (reading := state.reading()) is not None
        ]

    def _settings(self) -> dict[str, object]:
        readings = [reading for one in self._states if (reading := one.reading()) is not None]
        return {
            "pools": [
                {"name": one.name, "size": one.size, "limit": one.limit, **one.settings}
                for one in readings
            ]
        }


def take_site(frame: FrameType | None) -> list[tuple[Any, int]]:
    """The innermost frames of the service's own code above a frame.

    Below SQLAlchemy's asyncio there is a greenlet, which has no frames of the caller's; those
    are its parent's.
    """
    site: list[tuple[Any, int]] = []
    _climb(frame, site)
    if not site and (greenlet := sys.modules.get("greenlet")) is not None:
        parent = greenlet.getcurrent().parent
        if parent is not None:
            _climb(parent.gr_frame, site)
    return site


def _climb(frame: FrameType | None, site: list[tuple[Any, int]]) -> None:
    for _ in range(_LOOK_FRAMES):
        if frame is None:
            return
        code = frame.f_code
        if is_application(code.co_filename):
            site.append((code, frame.f_lineno))
            if len(site) == _SITE_FRAMES:
                return
        frame = frame.f_back


def _hold_row(hold: Hold, held_s: float) -> dict[str, object]:
    request = hold.request
    return {
        "held_s": round(held_s, 6),
        "statement_s": round(hold.statement_s, 6),
        "route": requests.route_of(request) if request is not None else None,
        "site": [[code.co_filename, line, code.co_qualname] for code, line in hold.site],
    }


def _row(number: int, state: PoolState, reading: Reading) -> dict[str, object]:
    now = time.monotonic()
    oldest = min(list(state.holds.values()), key=lambda hold: hold.since_s, default=None)
    return {
        "pool": number,
        "name": reading.name,
        "size": reading.size,
        "limit": reading.limit,
        "checked_out": reading.checked_out,
        "waiters": len(state.waiters),
        "checkouts": state.checkouts,
        "timeouts": state.timeouts,
        "statement_s": round(state.statement_s, 6),
        "waits": state.waits.row(),
        "held": state.held.row(),
        "held_longest": state.longest,
        "held_oldest": _hold_row(oldest, now - oldest.since_s) if oldest is not None else None,
    }
