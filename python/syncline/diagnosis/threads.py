"""Rules about threads, the interpreter's lock, processors and the application's own locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    MOSTLY,
    SPREAD,
    cpu_busy,
    cpu_cores,
    cpu_idle,
    full_core,
    fullest,
    in_use,
    machine_full,
    spread_over_threads,
    standing,
    stuck,
    threads_taken,
    tokens,
)
from syncline.diagnosis.places import at_place, stands
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_CONVOY_SWITCHES = 8.0  # voluntary context switches per request
_CONVOY_SYSTEM = 0.5  # system time's share of CPU; good threads that ask a database: up to 0.37
_ROOM = 0.15  # of the machine, that idles
_FULL = 0.85  # of the machine, in use
_ONE_CORE = 1.3  # cores of a process that its interpreter's lock keeps to one
_IN_ONE_LOCK = 0.4  # of the requests inside
_WORSE = 0.85  # throughput with more threads over that with fewer

_BY_KEY = """\
with locks[account_id]:      # one lock a key, not one for all
    ...                      # and nothing that waits (a call, a statement) while it is held
"""


def thread_pool_saturated(view: View) -> Finding | None:
    """All threads are at work, and requests wait for one."""
    taken = threads_taken(view)
    waited = view.high(names.TOKENS_WAITED) or 0.0
    queued = view.middle(names.EXECUTOR_QUEUED) or 0.0
    signs: list[Sign | None] = []
    total = tokens(view)
    if taken is not None and taken[0] >= MOSTLY and waited >= 1:
        signs.append(sign(0.5, "thread tokens taken", total, total, taken[1], "probe"))
        signs.append(sign(0.35, "requests waiting for a thread", waited, 0, taken[1], "probe"))
    elif queued >= 1:
        total = view.high(names.EXECUTOR_THREADS)
        signs.append(sign(0.6, "tasks queued for an executor", queued, 0, None, "probe"))
    else:
        return None
    if total and view.level <= total:  # there is a thread for each request
        return None
    pool = fullest(view)
    against = [cpu_busy(view, 0.8)]
    if pool is not None and total and pool.waiters >= total / 2:
        against.append(
            sign(0.6, "threads that wait for a connection", pool.waiters, total / 2, None, "probe")
        )
    if stuck(view):
        against.append(sign(0.3, "answers", "stopped"))
    threads = f"All {total:.0f} threads" if total else "All threads"
    return conclude(
        view,
        "thread-pool-saturated",
        "warning",
        f"{threads} are busy; up to {max(waited, queued):.0f} requests wait for one.",
        signs=[*signs, cpu_idle(view, 0.2)],
        against=against,
        fix=Fix(
            f"More thread tokens, if what the threads wait for{at_place(view)} bears it; or "
            "asynchronous endpoints.",
            "limiter = anyio.to_thread.current_default_thread_limiter()\n"
            f"limiter.total_tokens = {view.level}\n",
            what_if={"tokens": str(view.level)},
            cures=False,
            bound=view.level + 1,
        ),
    )


def convoy(view: View) -> Finding | None:
    """Threads hand the interpreter's lock around more than they work."""
    used, ended = cpu_cores(view), view.ended
    switches = view.growth(names.SWITCHES)
    user, system = view.mean(names.CPU_USER), view.mean(names.CPU_SYSTEM)
    if not ended or used is None or switches is None or user is None or system is None:
        return None
    each, share = switches / ended, system / (user + system) if user + system else 0.0
    if each < _CONVOY_SWITCHES or share < _CONVOY_SYSTEM or used < 0.5:
        return None
    return conclude(
        view,
        "gil-bound",
        "warning",
        f"{each:.0f} context switches per request and {share:.0%} of the CPU in the kernel: the "
        "threads hand the interpreter's lock around.",
        signs=[
            sign(0.4, "voluntary switches per request", each, _CONVOY_SWITCHES, None, "process"),
            sign(0.3, "system share of CPU", share, _CONVOY_SYSTEM, None, "process"),
            sign(0.2, "busiest process, cores", used, 0.5, None, "process"),
        ],
        fix=_fewer_threads(view),
    )


def one_lock(view: View) -> Finding | None:
    """One process is at one core, and that core's work is spread over threads that wait for it."""
    used, busiest = cpu_cores(view), spread_over_threads(view)
    inside = view.mean(names.REQUESTS_INSIDE)
    if used is None or busiest is None or inside is None or stuck(view):
        return None
    # On a full machine it may be kept from the rest of its core.
    least = min(0.7, full_core(view)) if machine_full(view) else full_core(view)
    if not least <= used <= _ONE_CORE or inside < 2:
        return None
    working = next((at for at in stands(view, "lock", "other") if at.share >= 0.2), None)
    at = f" (most stand in {working.place})" if working is not None else ""
    return conclude(
        view,
        "gil-bound",
        "info",
        f"A process is at {used:.2f} cores with the work spread over threads{at}: they take turns "
        "at the interpreter's lock.",
        signs=[
            sign(0.5, "busiest process, cores", used, least, None, "process"),
            sign(0.4, "busiest thread, share of that", busiest, SPREAD, None, "process"),
            sign(0.2, "requests inside at once", inside, 2, None, "probe"),
        ],
        fix=_fewer_threads(view),
    )


def slower_with_threads(views: Sequence[View]) -> Iterator[Finding]:
    """The same program with more threads answers no more, or less, at about one core.

    Compared are variants that run the same program in one process under the same load.
    """
    for view in views:
        mine, used = view.middle(names.THREADS), cpu_cores(view)
        if mine is None or used is None or stuck(view) or not view.result.ok:
            continue
        if not 0.7 <= used <= 1.4 or (view.middle(names.PROCESSES) or 1) > 1.5:
            continue
        others = [
            other
            for other in views
            if _same_program(other, view)
            and (few := other.middle(names.THREADS)) is not None
            and 2 * few <= mine
            and not stuck(other)
        ]
        if not others:
            continue
        best = median(other.result.throughput_rps for other in others)
        ratio = view.result.throughput_rps / best if best else 1.0
        if ratio > _WORSE:
            continue
        found = conclude(
            view,
            "gil-bound",
            "warning",
            f"With {mine:.0f} threads it answers {ratio:.2f} times as much as with fewer.",
            signs=[
                sign(0.6, "throughput over that with fewer threads", ratio, _WORSE),
                sign(0.3, "busiest process, cores", used, 1.0, None, "process"),
            ],
            fix=_fewer_threads(view),
        )
        if found is not None:
            yield found


def cpu_bound(view: View) -> Finding | None:
    """A worker is at the end of its core, and the machine is not."""
    used, machine, least = cpu_cores(view), view.mean(names.MACHINE_CPU), full_core(view)
    if used is None or used < least or stuck(view):
        return None
    taken = in_use(view)
    idle = 0.0 if taken is None else 1 - taken
    room, full = idle > _ROOM, machine is not None and machine >= _FULL
    return conclude(
        view,
        "cpu-bound",
        "info",
        f"A worker uses {used:.2f} cores at {view.level} connections"
        + (f"; {idle:.0%} of the machine idles." if room else "."),
        signs=[
            sign(0.5, "busiest process, cores", used, least, None, "process"),
            sign(0.4, "machine idle, share", idle, _ROOM, None, "machine") if room else None,
        ],
        # What the hypervisor takes is neither room nor the service's.
        against=[sign(0.5, "machine CPU, share", machine, _FULL, None, "machine")] if full else [],
        fix=Fix(
            "More workers, one per core to begin with.",
            what_if={"workers": str(view.trial.variant.workers + 1)},
            prediction="At most the idle share of the machine is to be gained.",
        ),
    )


def lock_contention(view: View) -> Finding | None:
    """Most of what is in flight stands in the same acquire."""
    count, behind = standing(view, "asyncio/locks.py", "threading.py", "anyio/_core/_synchron")
    pooled, _ = standing(view, "sqlalchemy/", "psycopg_pool/", "asyncpg/", "concurrent/futures")
    count -= pooled
    crowd = count >= max(4, view.level / 2) and bool(behind)
    at = next(iter(stands(view, "lock")), None)
    inside = view.mean(names.REQUESTS_INSIDE) or 0.0
    waits = at is not None and at.share >= _IN_ONE_LOCK and at.share * inside >= 2
    if not crowd and not waits:
        return None
    where = at.place if waits and at is not None else behind
    told = f"{count} threads or tasks stand"
    if waits and at is not None:
        told = f"{at.share:.0%} of the requests, on the mean {at.share * inside:.1f}, stand"
    return conclude(
        view,
        "lock-contention",
        "error" if stuck(view) else "warning",
        f"{told} in the same lock, from {where}.",
        signs=[
            sign(0.6, f"standing in a lock, from {behind}", count, view.level / 2, None, "probe")
            if crowd
            else None,
            sign(
                *(0.65, f"requests in the lock at {at.place}, share", at.share),
                *(_IN_ONE_LOCK, None, "probe"),
            )
            if waits and at is not None
            else None,
            cpu_idle(view, 0.3),
        ],
        against=[cpu_busy(view, 0.7)],
        fix=Fix(f"Do less under the lock, or lock by key ({where}).", _BY_KEY),
    )


def _same_program(one: View, other: View) -> bool:
    mine, theirs = one.trial, other.trial
    return (
        mine.load.connections == theirs.load.connections
        and mine.load.name == theirs.load.name
        and mine.variant.app == theirs.variant.app
        and mine.variant.command[:3] == theirs.variant.command[:3]
        and mine.variant.server == theirs.variant.server
    )


def _fewer_threads(view: View) -> Fix:
    return Fix(
        "Processes instead of threads, or fewer threads.",
        "gunicorn --workers 2 --threads 1 app:app\n",
        what_if={"workers": str(view.trial.variant.workers + 1)},
        prediction="Pinned to one core, the threads cannot pull at the lock from two sides.",
    )
