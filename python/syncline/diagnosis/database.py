"""Rules about the database: its connections' budget, their churn, its own limits."""

from __future__ import annotations

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    REFUSALS,
    cpu_busy,
    cpu_cores,
    database,
    fullest,
    pool_settings,
    statement_share,
    stuck,
    usable_sessions,
    words,
)
from syncline.diagnosis.places import at_place
from syncline.diagnosis.view import View, number, text
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_CHURN = 3.0  # new sessions per 100 requests
_AT_WORK = 0.4  # cores of the database, where they can be seen
_SETTLED = 0.2  # of the window: the first connections are opened anyway


def connection_budget(view: View) -> Finding | None:
    """The pools may open more than the database accepts, or it refused them already."""
    said, usable, asked = words(view, REFUSALS), usable_sessions(view), _budget(view)
    over = asked is not None and usable is not None and asked > usable
    if said is None and not over:
        return None
    signs = [sign(0.85, "said", said[0], None, said[1], said[2]) if said else None]
    if over:
        signs.append(sign(0.7, "connections that the pools may open", asked, usable, None, "probe"))
    against: list[Sign | None] = []
    if said and asked is not None and usable is not None and not over:
        against.append(
            sign(0.3, "connections that the pools may open", asked, usable, None, "probe")
        )
    thief = _idle_engine(view) if said else ""
    budget = f" {asked:.0f}" if asked is not None else ""
    ceiling = f" {usable:.0f}" if usable is not None else " fewer"
    return conclude(
        view,
        "connection-budget",
        "error" if said else "warning",
        f"The pools may open{budget or ' more'} connections; the database has{ceiling} for them."
        + (" It refused some." if said else " It has not come to that yet.")
        + thief,
        signs=signs,
        against=against,
        fix=_share_out(view, usable, asked),
    )


def overflow_churn(view: View) -> Finding | None:
    """Sessions are opened anew in a steady load."""
    seen_by, pool = database(view), fullest(view)
    if seen_by is None or stuck(view) or not view.ended:
        return None
    start, end = view.window()
    settled = start + _SETTLED * (end - start)
    points = [p for p in view.points(names.NEW_SESSIONS.format(seen_by)) if p[0] >= settled]
    if len(points) < 2:
        return None
    share = (points[-1][0] - points[0][0]) / (end - start)
    per_100 = 100 * (points[-1][1] - points[0][1]) / max(1.0, view.ended * share)
    if per_100 < _CHURN:
        return None
    signs = [
        sign(0.55, "new sessions per 100 requests", per_100, _CHURN, None, seen_by),
        sign(0.3, "the same", per_100, 5.0, None, seen_by) if per_100 >= 5 else None,
    ]
    against: list[Sign | None] = []
    fix = None
    if pool is not None and pool.size:
        overflow = view.high(names.POOL_OVERFLOW.format(pool.family)) or 0.0
        if overflow > 0:
            signs.append(sign(0.6, "connections above pool_size", overflow, 0, None, "probe"))
        else:
            against.append(sign(0.7, "connections above pool_size", overflow, 0, None, "probe"))
        if pool.limit:
            fix = Fix(
                "Move the overflow into the pool.",
                f"create_engine(url, pool_size={pool.limit:.0f}, max_overflow=0)\n",
                what_if={"pool_size": f"{pool.limit:.0f}", "max_overflow": "0"},
                prediction="No session is opened any more once the pool is full.",
            )
    return conclude(
        view,
        "overflow-churn",
        "warning",
        f"{per_100:.1f} database sessions are opened anew per 100 requests.",
        signs=signs,
        against=against,
        fix=fix or Fix("Move the overflow into the pool: a larger pool_size, max_overflow=0."),
    )


def database_bound(view: View) -> Finding | None:
    """Requests wait for their statements, and the database for its processors or locks."""
    seen_by, share = database(view), statement_share(view)
    if stuck(view):
        return None
    locks = view.mean(names.LOCKS_WAITING.format(seen_by)) if seen_by else None
    machine, own = view.mean(names.MACHINE_CPU), cpu_cores(view)
    signs: list[Sign | None] = []
    if locks is not None and locks >= 1:
        signs.append(sign(0.6, "sessions waiting for a lock", locks, 1, None, seen_by or ""))
    theirs = view.mean(names.DATABASE_CPU.format(seen_by)) if seen_by else None
    at_work = theirs is None or theirs >= _AT_WORK
    if at_work and machine is not None and machine >= 0.85 and own is not None and own < 0.6:
        signs.append(sign(0.45, "machine CPU, share", machine, 0.85, None, "machine"))
    if not signs or (share is not None and share < MOST_OF_IT):
        return None
    if share is not None:
        signs.append(sign(0.5, "time in statements, share", share, MOST_OF_IT, None, "probe"))
    top = next((text(row, "statement") for row in view.rows(names.STATEMENT)), "")
    if top:
        signs.append(sign(0.1, "the statement that took longest", top, None, None, seen_by or ""))
    return conclude(
        view,
        "database-bound",
        "warning",
        "Requests spend most of their time in statements, and the database has no room"
        + (f": {locks:.1f} sessions wait for locks." if locks and locks >= 1 else "."),
        signs=signs,
        against=[cpu_busy(view, 0.7)],
        fix=Fix(
            f"Shorten the transactions that lock the same rows{at_place(view, 'statement')}."
            if locks and locks >= 1
            else f"Look at the plan of the top statement{at_place(view, 'statement')}.",
            f"EXPLAIN (ANALYZE, BUFFERS)\n{top or '...'};\n",
        ),
    )


MOST_OF_IT = 0.6
"""The share of a request's time from which on statements make up most of it."""


def _budget(view: View) -> float | None:
    """Connections that all pools of all processes may open; None if unknown or unbounded."""
    limits = [number(one, "limit") for one in pool_settings(view)]
    if not limits or None in limits:
        return None
    return sum(limit for limit in limits if limit is not None)


def _idle_engine(view: View) -> str:
    """Who keeps connections without using them: the last statement names the engine."""
    idle = [row for row in view.rows(names.IDLE_STATEMENT) if text(row, "state") == "idle"]
    if not idle:
        return ""
    worst = max(idle, key=lambda row: number(row, "share") or 0)
    return (
        f" {number(worst, 'share') or 0:.0f} sessions sit idle; they last ran "
        f"{text(worst, 'statement')!r}."
    )


def _share_out(view: View, usable: float | None, asked: float | None) -> Fix:
    edit = (
        "Share the connections out: pool_size + max_overflow of each engine at most what the "
        "database has, divided by workers × engines."
    )
    if usable is None or not asked:
        return Fix(edit)
    engines = len(pool_settings(view))
    each = int(usable // max(1, engines))
    if each < 1:
        return Fix(edit)
    return Fix(
        edit,
        f"create_engine(url, pool_size={each}, max_overflow=0)   # {engines} pools share "
        f"{usable:.0f}\n",
        what_if={"pool_size": str(each), "max_overflow": "0"},
        prediction=f"{engines} pools of {each} ask for {engines * each} of {usable:.0f}.",
    )
