"""Requests as the application sees them, and what each did with the database, by route.

Each has a record of its own as long as they are few. Of many, those of a short stretch now and then
have one (:mod:`.stretches`), and the others are only counted: the former stand for them. Hooks that
are dear, as those of statements, are at work only while there may be records.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from syncline_probe import ledger, stretches
from syncline_probe.board import Board, Sample
from syncline_probe.ledger import current, inside, others
from syncline_probe.likely import Likely
from syncline_probe.request import MARK, RECEIVED, Request, route_of
from syncline_probe.stretches import NAME, Stretches, Switch, take_back
from syncline_probe.totals import Totals

_clock = time.monotonic
_stretches = Stretches()
_likely = Likely()
followed = False  # whether requests are to be put into the current one's variable
records = _stretches.records
_come, _gone = inside.add, inside.discard


def follow() -> Callable[[], Request | None]:
    """What tells which request the running code works for, of those that have a record.

    To mark the context of each request costs more than most else that is done for it: so nobody
    does before a hook has asked, as those of databases do.
    """
    global followed
    if not followed:
        followed = True
        _stretches.give_more()
    return current.get


def when_recording(switch: Switch, trouble: Callable[[], bool] | None = None) -> None:
    """Tells a hook when requests may have records, and is told when all should have one.

    Args:
        switch: called with ``on=False`` once none is inside that has a record, and none may come;
            with ``on=True`` before the next one may.
        trouble: called at each turn.
    """
    _stretches.switches.append(switch)
    if not _stretches.on:
        switch(on=False)
    if trouble is not None:
        _stretches.troubles.append(trouble)


def begin(method: str, path: str, scope: Any = None) -> Request:
    """A request reached the application; ``method`` and ``path`` where there is no scope."""
    request = ledger.new_record(method, path, scope)
    if scope is None:
        _stretches.unasked = True
    _come(request)
    return request


def end(request: Request) -> None:
    """It left the application, whatever came of it."""
    inside_s = _clock() - request.started_s
    scope, inner, request.inner = request.scope, request.inner, None
    _gone(request)
    let_go = request in others.let_go
    if let_go:
        take_back(request, inner)
    try:
        totals = None
        if scope is not None and request.route is None:
            totals = ledger.totals_by_router(scope)
        if totals is None:
            totals = ledger.totals_of(request)
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
        ledger.failed(request, error)
    request.scope = None


def name_route(template: str) -> None:
    """The router has found what the current request asked for."""
    request = current.get()
    if request is not None and request.left is None:
        scope = request.scope
        method = request.method if scope is None else scope["method"]
        request.route = f"{method} {template}"


def tick(now: float) -> None:
    """At each turn: adds up what has left, and says which requests have records."""
    _settle()
    _stretches.turn(now)


def beat(now: float) -> None:
    """At a heartbeat of an event loop, between two turns."""
    _stretches.beat(now)


def _settle() -> None:
    every = list(ledger.totals.values())
    if sum([one.take() for one in every]):
        _stretches.outdated = True
    routers = others.take()
    if not others.waiting:
        return
    samples = _stretches.stand_for(every)
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
    board.ticks.setdefault(NAME, tick)
    board.beats.setdefault(NAME, beat)
    board.gauges.setdefault(NAME, gauge)
    board.summaries.setdefault("routes", rows)
    _stretches.hasty = board.hasty


def gauge(sample: Sample) -> None:
    """How many are inside, since when, and how many have left."""
    if ledger.faults:
        raise ledger.faults.pop()
    now, in_flight = _clock(), len(inside) + len(others.inside)
    inside_s = before_s = statements = statement_s = 0.0
    for one in list(ledger.totals.values()):
        inside_s += one.inside_s
        before_s += one.before_s
        statements += one.statements
        statement_s += one.statement_s
    left = ledger.count()
    if not left and not in_flight:
        return
    sample["requests_in_flight"] = in_flight
    sample["requests_oldest_ms"] = (now - min(ledger.oldest(now), others.look(now))) * 1000
    sample["requests_total"] = left
    sample["requests_inside_s_total"] = inside_s
    sample["requests_before_s_total"] = before_s
    sample["sql_statements_total"] = round(statements)
    sample["sql_statement_s_total"] = statement_s


def rows() -> list[dict[str, object]]:
    """One row for each route, of everything since the process began."""
    _settle()
    in_flight = Counter(map(route_of, ledger.with_record()))
    for scope in list(others.inside.values()):
        known = ledger.totals_by_router(scope)
        in_flight[known.route if known else route_of(ledger.new_record("", "", scope))] += 1
    return [
        (ledger.totals.get(route) or Totals(route)).row(in_flight.get(route, 0))
        for route in sorted({*ledger.totals, *in_flight})
    ]


def forget() -> None:
    """In a fork's child: what the parent served is not the child's."""
    ledger.forget()
    stretches.forget()
    _likely.begin({})
