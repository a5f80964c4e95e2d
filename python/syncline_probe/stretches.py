"""When requests have records, and whom that concerns.

Of many requests those of a short stretch every three seconds have one; of few, all; and all where
they are to be explained: where requests are inside for long, or wait for a connection, and few
leave. Where many leave all the same, as under overload, stretches explain them as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from syncline_probe import ledger
from syncline_probe.ledger import inside, others
from syncline_probe.request import OTHER, Request, route_of
from syncline_probe.totals import SAMPLE, Sums, Totals, number_of, sample_of

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
NAME = "requests"  # by which they are on the board
_given_up: set[str] = set()  # routes whose requests nobody waits for any more: they may be streams


class Switch(Protocol):
    """What is told whether requests may have records."""

    def __call__(self, *, on: bool) -> None: ...


class Stretches:
    """One stretch after another, told by the probe's turns.

    Attributes:
        ended_s: when the last stretch with records came to its end; None while there are some.
        on: whether the hooks that cost more are at work: until the last request with a record has
            left.
        unasked: whether requests come that have a record at any time, as those of WSGI do.
        outdated: whether there is more since it was reckoned what stands for others.
        patient: whether those with a record of the last stretch have their time to leave.
        records: one item for each record that may still be made in this stretch.
    """

    def __init__(self) -> None:
        self.ended_s: float | None = None
        self.on = True
        self.unasked = False
        self.outdated = True
        self.patient = False
        self.records = [None] * _FIRST
        self.hasty: set[str] = set()  # the board's, once it is there
        self.switches: list[Switch] = []
        self.troubles: list[Callable[[], bool]] = []
        self._began_s = 0.0
        self._collected_s = 0.0  # since when
        self._again_s = 0.0  # when the next stretch begins, unless there is trouble
        # How many requests had left, by when: some time ago, and not so long ago.
        self._left = (0, 0.0), (0, 0.0)
        self._samples: dict[Totals, Sums] = {}
        self._each = self._given = _FIRST  # records, of a stretch and of this one
        self._many = 0  # how often there were many, less how often there were not

    def turn(self, now: float) -> None:
        """At each turn of the probe's."""
        flows = self._flows(now)
        if self.ended_s is None:
            many = self._given - len(self.records) >= _ENOUGH
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
                self.records.clear()
                self.ended_s = now
                self.patient = True
                self._again_s = now + _REST_S
        else:
            if inside and flows and now > self.ended_s + _LEAVE_S:
                self.patient = False
                let_go(now)
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
        (self.hasty.discard if self.ended_s is None or not self.on else self.hasty.add)(NAME)

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
        every = list(ledger.totals.values())
        if number_of([one.collected for one in every]):
            self._collected_s = now
            for one, sample in sample_of(every).items():
                one.collect(sample)

    def _flows(self, now: float) -> bool:
        """Whether many have left of late: there is no standstill."""
        (left, since_s), later = self._left
        more, length_s = ledger.count() - left, now - since_s
        if now - later[1] >= _LONG_S:
            self._left = later, (left + more, now)
        return more * _SOON_S >= _FLOWING * length_s

    def give_more(self) -> None:
        """Of more requests than before, each is to have a record; if they have any now."""
        self._each = _FOLLOWED
        if self.ended_s is None:
            self.records.extend([None] * (_FOLLOWED - self._given))
            self._given = _FOLLOWED

    def _stuck(self, now: float) -> bool:
        """Whether some wait for long, if few leave."""
        return any(trouble() for trouble in self.troubles) or now - ledger.oldest(now) > _LONG_S

    def _give(self, now: float) -> None:
        self._began_s = now
        self._given = self._each
        self.records.extend([None] * (self._given - len(self.records)))

    def _switch(self, *, on: bool) -> None:
        if on is not self.on:
            self.on = on
            # What counts begins after what it counts, and ends before.
            for switch in reversed(self.switches) if on else self.switches:
                try:
                    switch(on=on)
                except Exception as error:  # noqa: BLE001 - the others must be told, too
                    ledger.faults[:] = [error]


def let_go(now: float) -> None:
    """Those that are inside with a record go on as those without; but their time is known.

    A few have longer if none of their route was seen to its end, and so what it does is not known.
    """
    waited_for: Counter[str] = Counter()
    # The first ones first: they are the next to leave.
    for request in sorted(ledger.with_record(), key=lambda one: one.started_s):
        inner, scope = request.inner, request.scope
        if inner is None:
            continue
        route = _known_route(request)
        totals = ledger.totals.get(route)
        if route not in _given_up and (totals is None or not totals.all.seen):
            waited_for[route] += 1
            if now - request.started_s > _UNSEEN_S:
                if len(_given_up) < ledger.ROUTES:
                    _given_up.add(route)
            elif waited_for[route] <= _UNSEEN:
                continue
        others.seen_s[inner] = request.started_s
        others.let_go.add(request)
        others.inside[inner] = scope
        inside.discard(request)
        if request.inner is None:  # it has left meanwhile, and may have looked too soon
            take_back(request, inner)


def _known_route(request: Request) -> str:
    try:
        return route_of(request)
    except Exception as error:  # noqa: BLE001 - what the service has in its scope may do anything
        ledger.failed(request, error)
        return OTHER


def take_back(request: Request, inner: Any) -> None:
    """One that was let go leaves, or has left."""
    others.let_go.discard(request)
    others.inside.pop(inner, None)
    others.seen_s.pop(inner, None)


def forget() -> None:
    """In a fork's child: what the parent served is not the child's."""
    _given_up.clear()
