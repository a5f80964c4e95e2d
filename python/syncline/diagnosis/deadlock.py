"""The rule about the standstill between a connection pool and the threads."""

from __future__ import annotations

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    MOSTLY,
    cpu_busy,
    cpu_idle,
    database,
    died,
    fullest,
    holders_without_thread,
    standing,
    stuck,
    threads_taken,
    tokens,
)
from syncline.diagnosis.pool import timeouts_said
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding, Fix

_IN_A_POOL = ("sqlalchemy/pool", "sqlalchemy/util/queue", "psycopg_pool/", "asyncpg/pool")

_SESSION_INSIDE = """\
@app.get("/users")
def users() -> list[User]:
    with Session() as session:      # opened and closed by the thread that uses it
        return [User.model_validate(row) for row in session.scalars(select(UserRow))]
"""


def pool_deadlock(view: View) -> Finding | None:
    """Holders of connections wait for threads, holders of threads wait for connections."""
    if not stuck(view) or died(view):
        return None
    pool, total = fullest(view), tokens(view)
    holders = [_all_out(view), _idle_in_transaction(view), _holders(view)]
    waiting, behind = standing(view, *_IN_A_POOL)
    threads = [_threads_gone(view), _standing(waiting, total, behind), _nothing_unread(view)]
    if not any(holders) or not any(threads):
        return None
    limit = pool.limit if pool is not None else None
    bound = total + limit if total and limit else None
    lag = view.high(names.LAG_MS)
    on_loop = view.high(names.POOL_WAITERS_ON_LOOP.format(pool.family)) if pool else None
    against = [cpu_busy(view, 0.7)]
    if bound is not None and view.level < bound:
        against.append(sign(0.85, "requests in flight", view.level, bound))
    if lag is not None and lag > 1000:
        against.append(sign(0.9, "loop lag, ms", lag, 1000.0, observer="probe"))
    if on_loop:
        against.append(sign(0.9, "waiters on the loop's thread", on_loop, 0, observer="probe"))
    signs = [*holders, *threads, _silence(view), timeouts_said(view), cpu_idle(view, 0.15)]
    if bound is not None and view.level >= bound:
        signs.append(sign(0.3, "requests in flight", view.level, bound))
    return conclude(
        view,
        "pool-deadlock",
        "error",
        _deadlock_summary(view, limit, total),
        signs=signs,
        against=against,
        fix=_deadlock_fix(limit, total),
    )


def _holders(view: View) -> Sign | None:
    count = holders_without_thread(view)
    if not count:
        return None
    return sign(
        0.6, "requests that hold a connection and wait for a thread", count, 0, None, "probe"
    )


def _all_out(view: View) -> Sign | None:
    pool = fullest(view)
    if pool is None or not pool.is_full or pool.full is None:
        return None
    return sign(0.5, "connections checked out", pool.out, pool.limit, pool.full[1], "probe")


def _idle_in_transaction(view: View) -> Sign | None:
    seen_by = database(view)
    if seen_by is None:
        return None
    idle = view.middle(names.IDLE_IN_TRANSACTION[seen_by])
    active = view.middle(names.ACTIVE[seen_by]) or 0.0
    if idle is None or idle < 2 or active > idle / 4:
        return None
    return sign(0.5, "sessions idle in transaction", idle, 2, view.window()[0], seen_by)


def _threads_gone(view: View) -> Sign | None:
    taken = threads_taken(view)
    if taken is None or taken[0] < MOSTLY:
        return None
    high, total = view.high(names.TOKENS_TAKEN), tokens(view)
    return sign(0.5, "thread tokens taken", high, total, taken[1], "probe")


def _standing(waiting: int, total: float | None, behind: str) -> Sign | None:
    if waiting < (total or 8) * 0.8:
        return None
    where = f"{waiting} in the pool's wait" + (f", from {behind}" if behind else "")
    return sign(0.5, "threads standing", where, total, None, "probe")


def _nothing_unread(view: View) -> Sign | None:
    """The loop reads every request, so it is free: what stands still is behind it."""
    unread, there = view.high(names.UNREAD), view.high(names.ESTABLISHED)
    if unread is None or there is None or unread > 0 or there < view.level * 0.8:
        return None
    return sign(0.35, "sockets with unread bytes", unread, 0, None, "sockets")


def _silence(view: View) -> Sign | None:
    hang = view.outcome.hang
    if hang is None:
        return None
    return sign(0.2, "time without an answer, s", hang.longest_s, None, hang.from_s)


def _deadlock_summary(view: View, limit: float | None, total: float | None) -> str:
    hang = view.outcome.hang
    since = f" {figure(hang.from_s)} s into the load" if hang is not None else ""
    if limit and total:
        return (
            f"Answers stopped{since} with {view.level} requests in flight: {limit:.0f} hold all "
            f"connections and wait for a thread, {total:.0f} hold all threads and wait for a "
            f"connection. Possible from {total + limit:.0f} requests in flight on."
        )
    return (
        f"Answers stopped{since} with {view.level} requests in flight: those that hold a "
        "connection and those that hold a thread wait for each other."
    )


def _deadlock_fix(limit: float | None, total: float | None) -> Fix:
    edit = (
        "Open and close the session inside the endpoint; or bound every use of its dependency: "
        "Depends(get_db, max_concurrency=pool_size + max_overflow)."
    )
    if not limit or not total:
        return Fix(edit, _SESSION_INSIDE)
    bound = total + limit
    return Fix(
        edit,
        _SESSION_INSIDE,
        what_if={"admission": f"{bound - 1:.0f}"},
        prediction=(
            f"The standstill needs {total:.0f} + {limit:.0f} = {bound:.0f} requests in flight; "
            f"with {bound - 1:.0f} admitted at once it cannot come about. A pool of "
            f"{2 * limit:.0f} would only move it to {total + 2 * limit:.0f}."
        ),
    )
