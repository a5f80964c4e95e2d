"""Rules about connection pools: exhausted, leaking, held for nothing."""

from __future__ import annotations

import math

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    POOL_TIMEOUT,
    cpu_busy,
    cpu_idle,
    database,
    fullest,
    in_use,
    machine_full,
    serving,
    statement_share,
    stuck,
    usable_sessions,
    words,
)
from syncline.diagnosis.places import stands, taken_at
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding, Fix

_CLOSE_ALWAYS = """\
with Session() as session:          # closed in every path, errors included
    ...
"""
_RELEASE_FIRST = """\
with Session() as session:
    order = session.get(Order, key)
answer = call_the_other_service(order)   # no connection is held meanwhile
"""

_IN_ORDER = """\
places = asyncio.Semaphore(15)

async def get_session():
    async with places, new_session() as session:
        yield session
"""

_FEWEST = 100  # check-outs
_OVERTAKEN = 0.3  # of the check-outs
_MANY = 0.05  # of the requests
_LONG_MS = 1000.0
_TIMES_THE_MEDIAN = 20.0
_HELD_BY = 0.3  # of those that may hold one: fewer idle sessions hold up nobody
_ELSEWHERE = 0.5  # of the requests inside, in one place that is no statement

_AT_REST = 0.35  # of the requests inside; where all wait for a processor, up to 0.2 were seen

_OF_THE_DATABASE = 0.8  # of its sessions that a what-if may ask for


def pool_exhausted(view: View) -> Finding | None:
    """Requests wait for a connection while database and processor have room."""
    pool, said = fullest(view), timeouts_said(view)
    is_full = pool is not None and pool.is_full
    if not is_full and said is None:
        return None
    signs: list[Sign | None] = [said]
    against = [cpu_busy(view, 0.75)]
    limit, prediction = None, ""
    if pool is not None and pool.is_full and pool.full is not None:
        limit = pool.limit
        signs.append(sign(0.5, "connections checked out", pool.out, limit, pool.full[1], "probe"))
        share = pool.waiters / view.level
        if share >= 0.2:
            signs.append(
                sign(0.4, "waiting for a connection, share of requests", share, 0.2, None, "probe")
            )
        waited = _waited_share(view, pool.family)
        if waited is not None and waited >= 0.3:
            signs.append(
                sign(0.3, "time waiting for a connection, share", waited, 0.3, None, "probe")
            )
        prediction = _by_little(view, pool.family, limit)
    sessions, usable = _sessions(view), usable_sessions(view)
    if sessions is not None and usable is not None:
        if sessions >= usable:
            against.append(sign(0.8, "database sessions", sessions, usable, None, "database"))
        else:
            signs.append(sign(0.2, "database sessions", sessions, usable, None, "database"))
    against.append(_machine(view, 0.6))
    failing = said is not None or _grew(view, names.POOL_TIMEOUTS, pool.family if pool else "")
    size = f" of {limit:.0f}" if limit else ""
    waiters = f"; up to {pool.waiters:.0f} requests wait" if pool is not None else ""
    # What the database cannot give is no fix.
    bigger = view.level if usable is None else min(view.level, int(_OF_THE_DATABASE * usable))
    return conclude(
        view,
        "pool-exhausted",
        "error" if failing else "warning",
        f"All connections of the pool{size} are out at {view.level} connections{waiters}.",
        signs=signs,
        against=against,
        fix=Fix(
            f"Hold each connection for a shorter time{taken_at(view, 'held_longest')}, or give the "
            "pool as many as throughput × time held asks for, within what the database accepts.",
            f"create_engine(url, pool_size={view.level}, max_overflow=0)\n" if limit else "",
            what_if={"pool_size": str(bigger)} if limit and bigger > limit else None,
            prediction=prediction,
            cures=False,
            bound=bigger + 1 if limit and bigger > limit else None,
        ),
    )


def pool_unfair(view: View) -> Finding | None:
    """Who waits for a connection is overtaken by who comes later, and may wait for ever."""
    pool, times = fullest(view), view.result.service_time_us
    if pool is None or not pool.limit or times is None or stuck(view):
        return None
    waits, checkouts = (
        view.growth(name.format(pool.family)) for name in (names.POOL_WAITS, names.POOL_CHECKOUTS)
    )
    queued = view.together(lambda waiting: waiting > 0, names.POOL_WAITERS.format(pool.family))
    oldest = view.peak(names.POOL_WAIT_OLDEST_MS.format(pool.family))
    if waits is None or not checkouts or checkouts < _FEWEST or queued is None or oldest is None:
        return None
    # In order, every check-out while others wait would wait as well.
    overtaken, middle_ms = queued[0] - waits / checkouts, times.p50 / 1000
    longest = max(_LONG_MS, _TIMES_THE_MEDIAN * middle_ms)
    if overtaken < _OVERTAKEN or oldest.value < longest or pool_exhausted(view) is not None:
        return None
    lost = view.result.timed_out
    places = max(1, int(pool.limit / max(1, serving(view))))
    rate = view.result.throughput_rps
    return conclude(
        view,
        "pool-unfair",
        "error" if lost > _MANY * view.ended else "warning",
        f"Of {pool.waiters:.0f} requests that wait for one of {pool.limit:.0f} connections, one "
        f"has waited for {oldest.value / 1000:.1f} s, while half of the answers took "
        f"{figure(middle_ms)} ms: later requests overtake it"
        + (f"; {lost} timed out." if lost else "."),
        signs=[
            sign(
                0.45,
                "check-outs that overtook a waiter, share",
                overtaken,
                _OVERTAKEN,
                None,
                "probe",
            ),
            sign(0.4, "longest wait, ms", oldest.value, longest, oldest.at_s, "probe"),
            sign(0.55, "time-outs", lost, 0) if lost else None,
        ],
        fix=Fix(
            f"Let {places} requests to the database at once and the rest wait in order, in front "
            "of the pool: a semaphore wakes who has waited longest.",
            _IN_ORDER.replace("15", str(places)),
            what_if={"admission": str(places)},
            prediction=f"In order, each would wait about {figure(view.level / rate)} s at "
            f"{figure(rate)} answers a second (Little's law)."
            if rate
            else "",
            metric="p99_us",
        ),
    )


def connection_leak(view: View) -> Finding | None:
    """More connections are out than there are requests to use them."""
    pool = fullest(view)
    if pool is None:
        return None
    out = view.points(names.POOL_OUT.format(pool.family), whole=True)
    inside = dict(view.points(names.REQUESTS_INSIDE, whole=True))
    beyond = [(at_s, taken - inside[at_s]) for at_s, taken in out if at_s in inside]
    if len(beyond) < 6:
        return None
    third = len(beyond) // 3
    early = min(extra for _, extra in beyond[:third])
    at_s, late = min(beyond[-third:], key=lambda point: point[1])
    if late < 1:
        return None
    idle = [taken for at, taken in out if inside.get(at) == 0]
    signs = [sign(0.45, "connections out beyond the requests", late, 0, at_s, "probe")]
    if late > early and late >= 2:
        signs.append(
            sign(0.5, "of these since the begin", late - max(0.0, early), 0, at_s, "probe")
        )
    if idle and idle[-1] >= 1:
        signs.append(sign(0.5, "connections out with no request", idle[-1], 0, None, "probe"))
    return conclude(
        view,
        "connection-leak",
        "error",
        f"{late:.0f} connections are out that no request uses any more.",
        signs=signs,
        fix=Fix(
            f"Close the session or connection in every path{taken_at(view, 'held_oldest')}.",
            _CLOSE_ALWAYS,
        ),
    )


def held_in_transaction(view: View) -> Finding | None:
    """Sessions sit idle in a transaction for most of their time, for no want of processor."""
    if stuck(view):
        return None
    seen_by = database(view)
    if seen_by is None:
        return None
    idle = view.mean(names.IDLE_IN_TRANSACTION[seen_by])
    active = view.mean(names.ACTIVE[seen_by])
    if idle is None or active is None or idle < 1:
        return None
    if seen_by == "mariadb":  # there all open transactions are counted, working ones too
        idle = max(0.0, idle - active)
    share = idle / (idle + active) if idle else 0.0
    inside, pool = view.mean(names.REQUESTS_INSIDE), fullest(view)
    holding = min(inside or 0.0, pool.out if pool is not None and pool.out else math.inf)
    if idle < _HELD_BY * holding:
        return None
    held_ms = max(
        (view.middle(names.POOL_IDLE_TRANSACTION_MS.format(f)) or 0.0 for f in names.POOLS),
        default=0.0,
    )
    latency = view.latency_s
    if share < 0.6:
        return None
    # Behind a busy interpreter every session sits idle until its thread has had its turn.
    waits = cpu_idle(view, 0.35)
    elsewhere = next(iter(stands(view, "other", "upstream", "event", "lock")), None)
    outside = elsewhere is not None and elsewhere.share >= _ELSEWHERE
    signs = [sign(0.4, "sessions idle in transaction, share", share, 0.6, None, seen_by)]
    if latency and held_ms >= max(20.0, 300 * latency):
        signs.append(sign(0.5, "idle in a transaction, ms", held_ms, 20.0, None, "probe"))
    in_statements = statement_share(view)
    if in_statements is not None and in_statements < 0.3:
        signs.append(sign(0.3, "time in statements, share", in_statements, 0.3, None, "probe"))
    at = ""
    if outside and elsewhere is not None:
        at = f" ({elsewhere.place})"
        words = f"requests standing in {elsewhere.place}, share"
        signs.append(sign(0.4, words, elsewhere.share, _ELSEWHERE, None, "probe"))
    return conclude(
        view,
        "held-in-transaction",
        "warning",
        f"{idle:.1f} sessions on the mean sit idle in a transaction, {active:.1f} work.",
        signs=[*signs, waits],
        against=[
            cpu_busy(view, 0.3 if _at_rest(view) else 0.8),
            None if outside else _machine(view, 0.6),
        ],
        fix=Fix(f"End the transaction before the slow part{at}.", _RELEASE_FIRST),
    )


def _at_rest(view: View) -> bool:
    """Whether many requests stand in one call that is neither a statement nor a lock: not for want
    of a processor, nor in a queue for what others hold."""
    at = next(iter(stands(view, "other", "upstream", "event")), None)
    return at is not None and at.share >= _AT_REST


def timeouts_said(view: View) -> Sign | None:
    """The pool's own words that someone waited in vain."""
    said = words(view, POOL_TIMEOUT)
    return sign(0.6, "said", said[0], None, said[1], said[2]) if said else None


def _machine(view: View, weight: float) -> Sign | None:
    """With all processors in use, whoever holds something may only wait for one of them."""
    if not machine_full(view):
        return None
    return sign(weight, "machine CPU, share", in_use(view), 0.9, None, "machine")


def _sessions(view: View) -> float | None:
    seen_by = database(view)
    return view.high(names.SESSIONS.format(seen_by)) if seen_by else None


def _grew(view: View, name: str, family: str) -> bool:
    return bool(family) and (view.growth(name.format(family)) or 0) > 0


def _waited_share(view: View, family: str) -> float | None:
    waited, inside = view.growth(names.POOL_WAITED_S.format(family)), view.growth(names.INSIDE_S)
    return min(1.0, waited / inside) if waited is not None and inside else None


def _by_little(view: View, family: str, limit: float | None) -> str:
    held, count = (
        view.growth(name.format(family)) for name in (names.POOL_HELD_S, names.POOL_CHECKOUTS)
    )
    if not held or not count or not limit:
        return ""
    each = held / count
    return (
        f"Each connection is held for {figure(1000 * each)} ms, so {limit:.0f} of them carry at "
        f"most {figure(limit / each)} requests a second (Little's law); twice as many carry twice "
        "that, until something else gives out."
    )
