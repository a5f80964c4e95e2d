"""Requests as the application sees them, and what each did with the database, by route.

Each has a record of its own as long as they are few. Of many, those of a short stretch every three
seconds have one, and the others are only counted: the former stand for them. Hooks that are dear,
as those of statements, are at work only while there may be records. Where requests are inside for
long, or wait for a connection, and few leave, all have one: then they are to be explained. Where
many leave all the same, as under overload, stretches explain them as well.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from syncline_probe.board import Board, Sample
from syncline_probe.others import Others
from syncline_probe.request import MARK, OTHER, RECEIVED, Request, route_of, router_of
from syncline_probe.totals import SAMPLE, Sums, Totals, number_of, sample_of

_ROUTES = 200
# Requests are many if so many begin within so many seconds. Of these, all have a record where a
# hook asks for each, up to a bound; elsewhere the first ones. What a stretch tells of the others,
# as how they share in routes, is the truer the more there are.
_ENOUGH, _SOON_S, _FIRST, _FOLLOWED = 20, 0.2, 100, 400
_FLOWING = 10  # it is no standstill where so many leave as soon
_REST_S, _RESTS = 3.0, 8  # at least, from one stretch to the next; and in lengths of the former
_BURST = 10  # so many stretches of many come without a rest
_LONG_S = 0.2  # as long as one is inside for longer than that, and few leave, it goes on
_LEAVE_S = 1.0  # where many leave, those with a record that do not by then go on without
_UNSEEN_S, _UNSEEN = 10.0, 5  # but so many of a route of which none was seen have longer
_NAME = "requests"
_NOTHING = id(None)
_clock = time.monotonic


class Switch(Protocol):
    """What is told whether requests may have records."""

    def __call__(self, *, on: bool) -> None: ...


class _Stretch:
    """When requests have records, and whom that concerns.

    Attributes:
        ended_s: when the last stretch with records came to its end; None while there are some.
        on: whether the hooks that cost more are at work: until the last request with a record has
            left.
        unasked: whether requests come that have a record at any time, as those of WSGI do.
        outdated: whether there is more since it was reckoned what stands for others.
        patient: whether those with a record of the last stretch have their time to leave.
    """

    def __init__(self) -> None:
        self.ended_s: float | None = None
        self.on = True
        self.unasked = False
        self.outdated = True
        self.patient = False
        self.hasty: set[str] = set()  # the board's, once it is there
        self.switches: list[Switch] = []
        self.troubles: list[Callable[[], bool]] = []
        self._began_s = 0.0
        self._collected_s = 0.0  # since when
        self._again_s = 0.0  # when the next stretch begins, unless there is trouble
        # How many requests had left, by when: some time ago, and not so long ago.
        self._left = (0, 0.0), (0, 0.0)
        self._samples: dict[Totals, Sums] = {}
        self._given = _FIRST
        self._many = 0  # how often there were many, less how often there were not

    def turn(self, now: float) -> None:
        """At each turn of the probe's."""
        flows = self._flows(now)
        if self.ended_s is None:
            many = self._given - len(records) >= _ENOUGH
            # Amid a stretch of many it would part the slow ones from the others.
            if now > self._collected_s + _REST_S * (2 if many else 1):
                self._collect(now)
            if not many and now < self._began_s + _SOON_S:
                return
            self._many = min(_BURST, self._many + 1) if many else max(0, self._many - 1)
            rests = self._many == _BURST and not self.unasked
            if not rests or (not flows and self._stuck(now)):
                self._give(now)
            else:
                records.clear()
                self.ended_s = now
                self.patient = True
                self._again_s = now + _REST_S
        else:
            if inside and flows and now > self.ended_s + _LEAVE_S:
                self.patient = False
                _let_go(now)
            if self.on and not inside:
                self._switch(on=False)
                length_s = min(now - self._began_s, 2 * _LEAVE_S)  # not that of a route's first
                self._again_s = now + max(_REST_S, _RESTS * length_s)
        if self.ended_s is not None and (
            self.unasked
            or (now > self._again_s and not self.on)
            or (not flows and self._stuck(now))
        ):
            self.ended_s = None
            self._collect(now)
            self._switch(on=True)
            self._give(now)
        (self.hasty.discard if self.ended_s is None or not self.on else self.hasty.add)(_NAME)

    def beat(self, now: float) -> None:
        """Between two turns: hooks rest as soon as the last with a record has left."""
        if self.on and self.ended_s is not None and not inside:
            self.turn(now)

    def stand_for(self, every: list[Totals]) -> dict[Totals, Sums]:
        """What stands for requests without a record, of each of these; empty: nothing does yet.

        The slowest of a stretch are the last to leave: until they have, those of the stretch
        before stand for the others, if they are not few.
        """
        if self.ended_s is None or inside or others.let_go:
            self.outdated = True
            before = number_of([one.sample for one in every])
            if before and before >= min(SAMPLE, number_of([one.collected for one in every])):
                return {one: one.sample for one in every}
            if not before and self.patient and inside:
                return {}
            return sample_of(every)
        if self.outdated:
            self._samples = sample_of(every)
            self.outdated = False
        return self._samples

    def _collect(self, now: float) -> None:
        """What is told of requests from now on is a sample of its own."""
        every = list(_totals.values())
        if number_of([one.collected for one in every]):
            self._collected_s = now
            for one, sample in sample_of(every).items():
                one.collect(sample)

    def _flows(self, now: float) -> bool:
        """Whether many have left of late: there is no standstill."""
        (left, since_s), later = self._left
        more, length_s = count() - left, now - since_s
        if now - later[1] >= _LONG_S:
            self._left = later, (left + more, now)
        return more * _SOON_S >= _FLOWING * length_s

    def give_more(self) -> None:
        """Of more requests than before, each is to have a record; if they have any now."""
        if self.ended_s is None:
            records.extend([None] * (_FOLLOWED - self._given))
            self._given = _FOLLOWED

    def _stuck(self, now: float) -> bool:
        """Whether some wait for long, if few leave."""
        return any(trouble() for trouble in self.troubles) or now - _oldest(now) > _LONG_S

    def _give(self, now: float) -> None:
        self._began_s = now
        self._given = _FOLLOWED if followed else _FIRST
        records.extend([None] * (self._given - len(records)))

    def _switch(self, *, on: bool) -> None:
        if on is not self.on:
            self.on = on
            # What counts begins after what it counts, and ends before.
            for switch in reversed(self.switches) if on else self.switches:
                try:
                    switch(on=on)
                except Exception as error:  # noqa: BLE001 - the others must be told, too
                    _faults[:] = [error]


class _Likely:
    """What a request without a record is likely to be, by what the router found for it.

    Kept as long as the same stands for others, which is for most turns.
    """

    def __init__(self) -> None:
        self.samples: dict[Totals, Sums] = {}
        self._parts: dict[int, list[tuple[Totals, Sums]]] = {}

    def begin(self, samples: dict[Totals, Sums]) -> None:
        """Something else stands for others from now on."""
        self.samples = samples
        self._parts = {}

    def of_router(self, router: int, every: list[Totals]) -> list[tuple[Totals, Sums]]:
        """So much of one request is of each of these routes; empty if nobody knows.

        Args:
            router: the identity of what the router found.
            every: all routes.
        """
        parts = self._parts.get(router)
        if parts is None:
            parts = self._parts[router] = self._found(_routed.get(router), router, every)
        return parts

    def _found(
        self, alike: list[Totals] | None, router: int, every: list[Totals]
    ) -> list[tuple[Totals, Sums]]:
        if alike is None:
            if router != _NOTHING and len(_routed) < _ROUTES:
                return []
            routed = {one for some in list(_routed.values()) for one in some}
            alike = [one for one in every if one not in routed] or every
        sums = [(one, self.samples[one]) for one in alike if one in self.samples]
        recorded = number_of([its for _, its in sums])
        if not recorded:
            sums = [(one, one.known) for one, _ in sums]  # none of them was asked for of late
            recorded = number_of([its for _, its in sums])
        return [(one, one.likely(its, 1 / recorded)) for one, its in sums if recorded]


# Which request the running code works for; ``follow`` gives what reads it.
current: ContextVar[Request | None] = ContextVar("syncline_request", default=None)
followed = False  # whether requests are to be put there
inside: set[Request] = set()
records = [None] * _FIRST  # one for each record that may still be made in this stretch
others = Others()
_stretch = _Stretch()
_likely = _Likely()
_come, _gone = inside.add, inside.discard
_by_router: dict[tuple[int, str], Totals] = {}  # by the identity of the router's object, and method
_routed: dict[int, list[Totals]] = {}  # all of a router's object, by whatever name or method
_totals: dict[str, Totals] = {}
_given_up: set[str] = set()  # routes whose requests nobody waits for any more: they may be streams
_faults: list[BaseException] = []


def follow() -> Callable[[], Request | None]:
    """What tells which request the running code works for, of those that have a record.

    To mark the context of each request costs more than most else that is done for it: so nobody
    does before a hook has asked, as those of databases do.
    """
    global followed
    if not followed:
        followed = True
        _stretch.give_more()
    return current.get


def when_recording(switch: Switch, trouble: Callable[[], bool] | None = None) -> None:
    """Tells a hook when requests may have records, and is told when all should have one.

    Args:
        switch: called with ``on=False`` once none is inside that has a record, and none may come;
            with ``on=True`` before the next one may.
        trouble: called at each turn.
    """
    _stretch.switches.append(switch)
    if not _stretch.on:
        switch(on=False)
    if trouble is not None:
        _stretch.troubles.append(trouble)


def begin(method: str, path: str, scope: Any = None) -> Request:
    """A request reached the application; ``method`` and ``path`` where there is no scope."""
    request = _record(method, path, scope)
    if scope is None:
        _stretch.unasked = True
    _come(request)
    return request


def _record(method: str, path: str, scope: Any) -> Request:
    request = Request()
    request.method, request.path, request.scope = method, path, scope
    request.inner = request.left = request.route = request.texts = None
    request.in_statement = False
    request.statements = 0
    request.statement_s = 0.0
    request.started_s = _clock()
    return request


def end(request: Request) -> None:
    """It left the application, whatever came of it."""
    inside_s = _clock() - request.started_s
    scope, inner, request.inner = request.scope, request.inner, None
    _gone(request)
    let_go = request in others.let_go
    if let_go:
        _take_back(request, inner)
    try:
        totals = None
        if scope is not None and request.route is None:
            totals = _by_router.get((id(router_of(scope)), scope["method"]))
        if totals is None:
            totals = _totals_of(request)
        request.left = totals
        if let_go:
            totals.unseen()
        elif request.statements:
            totals.add_statements(request)
        totals.took(inside_s)
        if scope is not None:
            if (received_s := scope.get(RECEIVED)) is not None:
                totals.waited(request.started_s - received_s)
            scope.pop(MARK, None)
    except Exception as error:  # noqa: BLE001 - the request is the service's
        failed(request, error)
    request.scope = None


def _let_go(now: float) -> None:
    """Those that are inside with a record go on as those without; but their time is known.

    A few have longer if none of their route was seen to its end, and so what it does is not known.
    """
    waited_for: Counter[str] = Counter()
    for request in sorted(_recorded(), key=lambda one: one.started_s):  # those next to leave
        inner, scope = request.inner, request.scope
        if inner is None:
            continue
        route = _known_route(request)
        totals = _totals.get(route)
        if route not in _given_up and (totals is None or not totals.all.seen):
            waited_for[route] += 1
            if now - request.started_s > _UNSEEN_S:
                if len(_given_up) < _ROUTES:
                    _given_up.add(route)
            elif waited_for[route] <= _UNSEEN:
                continue
        others.seen_s[inner] = request.started_s
        others.let_go.add(request)
        others.inside[inner] = scope
        _gone(request)
        if request.inner is None:  # it has left meanwhile, and may have looked too soon
            _take_back(request, inner)


def _known_route(request: Request) -> str:
    try:
        return route_of(request)
    except Exception as error:  # noqa: BLE001 - what the service has in its scope may do anything
        failed(request, error)
        return OTHER


def _take_back(request: Request, inner: Any) -> None:
    others.let_go.discard(request)
    others.inside.pop(inner, None)
    others.seen_s.pop(inner, None)


def name_route(template: str) -> None:
    """The router has found what the current request asked for."""
    request = current.get()
    if request is not None and request.left is None:
        scope = request.scope
        method = request.method if scope is None else scope["method"]
        request.route = f"{method} {template}"


def failed(request: Request, error: BaseException) -> None:
    """A request could not be counted: the next look at the board finds it."""
    request.route = OTHER  # what outlives it asks for its route
    _faults[:] = [error]


def count() -> int:
    """How many have left in all."""
    every = [one.requests + one.pending() for one in list(_totals.values())]
    return round(sum(every) + others.pending())


def _totals_of(request: Request) -> Totals:
    """Those of a request that are not in ``_by_router``, and are from now on if they can.

    There they are by the router's own object, where there is one: a name is made once a route.
    """
    route = route_of(request)
    if route not in _totals and len(_totals) >= _ROUTES:
        route = OTHER
    totals = _totals.get(route) or _totals.setdefault(route, Totals(route))
    scope = request.scope
    if scope is not None:
        router = scope.get("route")
        if id(router) in _routed or router is None or len(_routed) < _ROUTES:
            alike = _routed.setdefault(id(router), [])
            if totals not in alike:
                alike.append(totals)
                totals.routers.append(router)  # kept, so that no other object gets its identity
        known = router_of(scope)
        if known is not None and request.route is None and len(_by_router) < _ROUTES:
            totals.routers.append(known)
            _by_router[id(known), scope["method"]] = totals
    return totals


def live() -> list[Request]:
    """The requests that are inside the application now; without a record, since first seen."""
    found = _recorded()
    for inner, scope in list(others.inside.items()):
        request = _record("", "", scope)
        request.inner = inner
        request.started_s = others.seen_s.get(inner, request.started_s)
        found.append(request)
    return found


def _recorded() -> list[Request]:
    for _ in range(10):
        try:
            return list(inside)
        except RuntimeError:  # it changed while it was read
            continue
    return []


def _oldest(now: float) -> float:
    """Since when the first one with a record is inside."""
    return min([request.started_s for request in _recorded()], default=now)


def number_inside() -> tuple[int, int]:
    """How many there are without a record, and with one."""
    return len(others.inside), len(inside)


def any_inside() -> bool:
    """Whether there are any."""
    return bool(inside or others.inside)


def tick(now: float) -> None:
    """At each turn: adds up what has left, and says which requests have records."""
    _settle()
    _stretch.turn(now)


def beat(now: float) -> None:
    """At a heartbeat of an event loop, between two turns."""
    _stretch.beat(now)


def _settle() -> None:
    every = list(_totals.values())
    if sum([one.take() for one in every]):
        _stretch.outdated = True
    routers = others.take()
    if not others.waiting:
        return
    samples = _stretch.stand_for(every)
    if samples is not _likely.samples:
        _likely.begin(samples)
    for router, number in list(others.waiting.items()):
        # One that no request with a record has been at yet waits until there is one.
        if parts := _likely.of_router(router, every):
            for one, part in parts:
                one.repeat(part, number)
            del others.waiting[router]
    if others.waiting:
        others.keep(routers)


def report(board: Board) -> None:
    """Puts requests on the board; once is enough."""
    board.ticks.setdefault(_NAME, tick)
    board.beats.setdefault(_NAME, beat)
    board.gauges.setdefault(_NAME, gauge)
    board.summaries.setdefault("routes", rows)
    _stretch.hasty = board.hasty


def gauge(sample: Sample) -> None:
    """How many are inside, since when, and how many have left."""
    if _faults:
        raise _faults.pop()
    now, in_flight = _clock(), len(inside) + len(others.inside)
    inside_s = before_s = statements = statement_s = 0.0
    for one in list(_totals.values()):
        inside_s += one.inside_s
        before_s += one.before_s
        statements += one.statements
        statement_s += one.statement_s
    left = count()
    if not left and not in_flight:
        return
    sample["requests_in_flight"] = in_flight
    sample["requests_oldest_ms"] = (now - min(_oldest(now), others.look(now))) * 1000
    sample["requests_total"] = left
    sample["requests_inside_s_total"] = inside_s
    sample["requests_before_s_total"] = before_s
    sample["sql_statements_total"] = round(statements)
    sample["sql_statement_s_total"] = statement_s


def rows() -> list[dict[str, object]]:
    """One row for each route, of everything since the process began."""
    _settle()
    in_flight = Counter(map(route_of, _recorded()))
    for scope in list(others.inside.values()):
        known = _by_router.get((id(router_of(scope)), scope["method"]))
        in_flight[known.route if known else route_of(_record("", "", scope))] += 1
    return [
        (_totals.get(route) or Totals(route)).row(in_flight.get(route, 0))
        for route in sorted({*_totals, *in_flight})
    ]


def forget() -> None:
    """In a fork's child: what the parent served is not the child's."""
    inside.clear()
    others.forget()
    _by_router.clear()
    _routed.clear()
    _given_up.clear()
    _totals.clear()
    _likely.begin({})
    _faults.clear()
