"""One connection pool, of whatever library: who holds, who waits, for how long."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

from syncline_probe import ledger
from syncline_probe.request import Request, route_of
from syncline_probe.stacks import is_application
from syncline_probe.waits import Waits

_SITE_FRAMES = 3
_LOOK_FRAMES = 60
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
            self.longest = hold_row(hold, held_s)
        self.held.add(held_s)


class Ages(NamedTuple):
    """Of the connections that are out: since when, and how many are idle in a transaction."""

    oldest_s: float = 0.0
    idle: int = 0
    idle_oldest_s: float = 0.0


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


def hold_row(hold: Hold, held_s: float) -> dict[str, object]:
    """As a summary sends it: for how long it is out, for which route, and where it was taken."""
    request = hold.request
    return {
        "held_s": round(held_s, 6),
        "statement_s": round(hold.statement_s, 6),
        "route": route_of(request) if request is not None else None,
        "site": [[code.co_filename, line, code.co_qualname] for code, line in hold.site or ()],
    }
