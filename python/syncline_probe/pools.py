"""Connection pools of whatever library, in one form: who holds, who waits, for how long."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

from syncline_probe import ledger, requests
from syncline_probe.board import Board, Sample
from syncline_probe.request import Request, route_of
from syncline_probe.stacks import is_application
from syncline_probe.waits import Waits

_SITE_FRAMES = 3
_LOOK_FRAMES = 60
_POOLS = 64
# Climbing a stack costs more than all else of a check-out. All of the first ones do, and all while
# somebody has waited for long, so that a standstill has its places; of the others some a second.
_FIRST_SITES, _SITE_EVERY_S = 64, 0.1
_LONG_S = 0.05
_WINDOW, _LEAST = 200, 10  # requests, after which the next look with some begins a new one
_clock, _working_for = time.monotonic, ledger.current.get


class Reading(NamedTuple):
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
    settings: Mapping[str, object] = MappingProxyType({})


class Hold:
    """One connection in use.

    Attributes:
        since_s: when it was taken; ``request`` for which, if that has a record.
        site: the application's frames that took it, the innermost first: code and line; empty
            if they were not looked at, None if it was not seen taken.
        busy_s: since when a statement runs on it; None between statements.
        last_s: when the last statement ended; None if no transaction is open.
        statement_s: time in statements so far.
        mark: what tells this use of the connection from its next, where its end may go unseen.
    """

    __slots__ = ("busy_s", "last_s", "mark", "pool", "request", "since_s", "site", "statement_s")

    pool: PoolState
    site: Sequence[tuple[Any, int]] | None
    since_s: float
    request: Request | None
    busy_s: float | None
    last_s: float | None
    statement_s: float
    mark: object


class Waiting:
    """Who waits for a connection: an object of its own for ``with``, as there may be many.

    Attributes:
        since_s: when it began; ``thread`` in which: a loop's, where tasks wait.
    """

    __slots__ = ("_state", "_timeout", "since_s", "thread")

    since_s: float
    thread: int

    def __init__(
        self, state: PoolState, timeout: type[BaseException] | tuple[type[BaseException], ...]
    ) -> None:
        self._state = state
        self._timeout = timeout

    def __enter__(self) -> None:
        self.since_s = _clock()
        self.thread = threading.get_ident()
        self._state.waiters[self] = None

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        state = self._state
        state.waiters.pop(self, None)  # a fork amid it has forgotten it
        state.waits.add(_clock() - self.since_s)
        if kind is not None and issubclass(kind, self._timeout):
            state.timeouts += 1


class _Window:
    """What was counted of late: requests that ended, and what they took."""

    __slots__ = ("checkouts", "requests", "statement_s")

    def __init__(self) -> None:
        self.requests = self.checkouts = 0
        self.statement_s = 0.0


class PoolState:
    """What is counted of one pool beside what it tells itself.

    Attributes:
        waiters: who waits now, the first one first; they come and go by single steps.
        blocking: whether a wait stops the waiting thread.
        waits: how long those that had to wait did; ``held``: how long connections were out.
        checkouts: how many were counted; ``checkouts_all``: with those that were not, an estimate.
        longest: the longest hold of which the site was looked at.
        watched: whether check-outs are counted and timed now.
    """

    sampled = False  # whether it can be left unwatched for a while

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
        self.waiters: dict[Waiting, None] = {}
        self.holds: dict[int, Hold] = {}
        self.waits = Waits()
        self.held = Waits()
        self.checkouts = 0
        self.checkouts_all = 0.0
        self.timeouts = 0
        self.statement_s = 0.0
        self.watched = True
        self._new_statement_s = 0.0
        self._settled = 0  # of the check-outs
        self._ended = ledger.count()
        self._window = _Window()
        self._ages = Ages()
        self._longest_s = 0.0
        self._site_s = 0.0  # when a check-out is to be looked at again
        self.longest: dict[str, object] | None = None

    def settle(self, ended: int) -> None:
        """At each turn: adds up what came since the last one, or what is likely to have come.

        Args:
            ended: requests until now: the more of them, the more check-outs.
        """
        # Rounded as it is, it may be one less than it was.
        more, self._ended = max(0, ended - self._ended), ended
        self.waits.settle()
        if self.watched:
            if self._window.requests > _WINDOW and more > _LEAST:
                self._begin()
            self.held.settle()
            new, self._settled = self.checkouts - self._settled, self.checkouts
            in_statements, self._new_statement_s = self._new_statement_s, 0.0
            self._window.requests += more
            self._window.checkouts += new
            self._window.statement_s += in_statements
            self.checkouts_all += new
            self.statement_s += in_statements
        elif self._window.requests:
            estimate = more * self._window.checkouts / self._window.requests
            self.checkouts_all += estimate
            # What was out already as the window began was not timed.
            if self.held.window:
                self.held.repeat(estimate / self.held.window)
                self.statement_s += estimate / self.held.window * self._window.statement_s

    def watch(self, *, on: bool) -> None:
        """Whether its check-outs are counted from now on; what was found stands for the others."""
        self.settle(ledger.count())
        if not on:
            self._ages = self.ages(_clock())
        elif not self.watched:
            self._settled = self.checkouts
            self._new_statement_s = 0.0
            self.held.discard()
            self._begin()
        self.watched = on

    def _begin(self) -> None:
        self._window = _Window()
        self.held.begin()

    def forget(self) -> None:
        """In a fork's child: nobody there holds or awaits what the parent's threads did."""
        self.waiters.clear()
        self.holds.clear()
        self._ended = 0

    def present(self) -> list[Hold]:
        """The connections in use that are known."""
        return list(self.holds.values())

    def ages(self, now: float) -> Ages:
        """How old its holds are, and those with an idle transaction; while nobody watches, were."""
        if not self.watched:
            return self._ages
        holds = self.present()
        idle = [hold.last_s for hold in holds if hold.busy_s is None and hold.last_s is not None]
        oldest = min([hold.since_s for hold in holds], default=now)
        return Ages(now - oldest, len(idle), now - min(idle, default=now))

    def reading(self) -> Reading | None:
        """What it says now; None once it is gone."""
        pool = self.pool()
        return None if pool is None else self._read(pool)

    def waiting(self, timeout: type[BaseException] | tuple[type[BaseException], ...]) -> Waiting:
        """Around a wait for a connection; a ``timeout`` raised in it counts as one."""
        return Waiting(self, timeout)

    def waiters_on_loop(self) -> int:
        """Waiters that block the very thread of an event loop, and all its requests with it."""
        if not self.blocking:
            return 0
        loop_module = sys.modules.get("syncline_probe.hooks.event_loop")
        threads = loop_module.loop_threads() if loop_module is not None else ()
        return sum(one.thread in threads for one in list(self.waiters))

    def waited_long(self) -> bool:
        """Whether somebody has been waiting for long."""
        if not self.waiters:
            return False
        now = _clock()
        return now - self.waiting_since(now) > _LONG_S

    def waiting_since(self, now: float) -> float:
        """Since when the first one waits of those that do; now if nobody does."""
        try:
            first = next(iter(self.waiters), None)
        except RuntimeError:  # another thread came or went meanwhile
            first = next(iter(list(self.waiters)), None)
        return now if first is None else first.since_s

    def taken(self, key: int, depth: int = 2, mark: object = None) -> Hold:
        """A connection is out; ``depth`` frames above are the library's."""
        # Each check-out pays for this: all in one function, and no __init__.
        number = self.checkouts = self.checkouts + 1
        hold = Hold()
        hold.pool = self
        hold.site = ()
        hold.since_s = now = _clock()
        hold.request = _working_for()
        hold.busy_s = hold.last_s = None
        hold.mark = mark
        hold.statement_s = 0.0
        wanted = now >= self._site_s or number <= _FIRST_SITES
        if wanted or self.waited_long():
            self._site_s = now + _SITE_EVERY_S
            hold.site = take_site(sys._getframe(depth))
        self.holds[key] = hold  # last: others look at it from now on
        return hold

    def found(self, key: int, since_s: float, mark: object) -> Hold:
        """A connection is out that nobody saw taken; its end is no sample of how long they are."""
        hold = self.holds[key] = Hold()
        hold.pool, hold.since_s, hold.mark = self, since_s, mark
        hold.site, hold.statement_s = None, 0.0
        hold.request = hold.busy_s = hold.last_s = None
        return hold

    def given_back(self, key: int) -> None:
        """It is back."""
        hold = self.holds.pop(key, None)
        if hold is None or hold.site is None:
            return
        held_s = _clock() - hold.since_s
        self._new_statement_s += hold.statement_s
        if held_s > self._longest_s and hold.site:
            self._longest_s = held_s
            self.longest = _hold_row(hold, held_s)
        self.held.add(held_s)


class Ages(NamedTuple):
    """Of the connections that are out: since when, and how many are idle in a transaction."""

    oldest_s: float = 0.0
    idle: int = 0
    idle_oldest_s: float = 0.0


_NUMBERS = (
    *("waiters", "waiters_on_loop", "wait_oldest_ms", "held_oldest_ms"),
    *("idle_transactions", "idle_transaction_oldest_ms"),
    *("checkouts_total", "waits_total", "wait_s_total", "held_s_total", "timeouts_total"),
    *("size", "open", "checked_out", "overflow"),
)
_families: dict[str, PoolFamily] = {}


def family(board: Board, prefix: str) -> PoolFamily:
    """The pools whose numbers are told as ``<prefix>_checked_out`` and so on."""
    if prefix not in _families:
        _families[prefix] = PoolFamily(board, prefix)
    return _families[prefix]


def every_hold() -> list[Hold]:
    """All connections that are in use, of all pools."""
    return [hold for one in list(_families.values()) for hold in one.holds()]


def number_waiting() -> int:
    """How many wait for a connection, at all pools."""
    return sum([one.number_waiting() for one in list(_families.values())])


def forget() -> None:
    """In a fork's child: nobody there holds or awaits what the parent's threads did."""
    for one in _families.values():
        one.forget()


class PoolFamily:
    """The pools whose numbers are told together, under one prefix."""

    def __init__(self, board: Board, prefix: str) -> None:
        self._prefix = prefix
        self._names = [f"{prefix}_{name}" for name in _NUMBERS]
        self._board = board
        self._states: list[PoolState] = []
        requests.follow()  # a hold is for one of them
        requests.when_recording(self._watch, self._waited_long)

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
        return [hold for state in list(self._states) for hold in state.present()]

    def number_waiting(self) -> int:
        """How many wait for a connection."""
        return sum([len(state.waiters) for state in list(self._states)])

    def forget(self) -> None:
        """In a fork's child: nobody there holds or awaits what the parent's threads did."""
        for state in self._states:
            state.forget()

    def _tick(self, _now: float) -> None:
        ended = ledger.count()
        for state in self._states:
            state.settle(ended)

    def _watch(self, *, on: bool) -> None:
        for state in self._states:
            if state.sampled:
                state.watch(on=on)

    def _waited_long(self) -> bool:
        return any(state.waited_long() for state in self._states)

    def _gauge(self, sample: Sample) -> None:
        # In one pass, and no function for each number: it is asked for ten times a second.
        now = since_s = _clock()
        waiters = on_loop = idle = checkouts = waits = timeouts = 0
        held_oldest_s = idle_oldest_s = wait_s = held_s = 0.0
        size = opened = out = overflow = 0.0
        limits: list[float | None] = []
        for state in list(self._states):
            if state.waiters:
                waiters += len(state.waiters)
                since_s = min(since_s, state.waiting_since(now))
                on_loop += state.waiters_on_loop()
            ages = state.ages(now)
            held_oldest_s = max(held_oldest_s, ages.oldest_s)
            idle += ages.idle
            idle_oldest_s = max(idle_oldest_s, ages.idle_oldest_s)
            checkouts += round(state.checkouts_all)
            waits += state.waits.count()
            wait_s += state.waits.total_s()
            held_s += state.held.total_s()
            timeouts += state.timeouts
            if (reading := state.reading()) is not None:
                size += reading.size
                opened += reading.opened
                out += reading.checked_out
                overflow += max(0, reading.opened - reading.size)
                limits.append(reading.limit)
        numbers = (
            *(waiters, on_loop, 1000 * (now - since_s), 1000 * held_oldest_s),
            *(idle, 1000 * idle_oldest_s),
            *(checkouts, waits, wait_s, held_s, timeouts),
            *(size, opened, out, overflow),
        )
        sample.update(zip(self._names, numbers, strict=True))
        if limits and None not in limits:
            sample[f"{self._prefix}_limit"] = sum(limit for limit in limits if limit is not None)

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
        "route": route_of(request) if request is not None else None,
        "site": [[code.co_filename, line, code.co_qualname] for code, line in hold.site or ()],
    }


def _row(number: int, state: PoolState, reading: Reading) -> dict[str, object]:
    now = time.monotonic()
    oldest = _oldest(state.present(), now)
    return {
        "pool": number,
        "name": reading.name,
        "size": reading.size,
        "limit": reading.limit,
        "checked_out": reading.checked_out,
        "waiters": len(state.waiters),
        "checkouts": round(state.checkouts_all),
        "timeouts": state.timeouts,
        "statement_s": round(state.statement_s, 6),
        "waits": state.waits.row(),
        "held": state.held.row(),
        "held_longest": state.longest,
        "held_oldest": _hold_row(oldest, now - oldest.since_s) if oldest is not None else None,
    }


def _oldest(holds: list[Hold], now: float) -> Hold | None:
    """The one to be told of: one whose place is known, if it is about as old as any."""
    oldest = min(holds, key=lambda hold: hold.since_s, default=None)
    if oldest is None or oldest.site:
        return oldest
    placed = min((hold for hold in holds if hold.site), key=lambda hold: hold.since_s, default=None)
    if placed is not None and now - placed.since_s > (now - oldest.since_s) / 2:
        return placed
    return oldest
