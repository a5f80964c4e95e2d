"""The rule about synchronous work on the event loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    SPREAD,
    at_work,
    cpu_busy,
    cpu_cores,
    cpu_idle,
    crowded,
    died,
    granted,
    in_use,
    pools,
    spread_over_threads,
    stuck,
)
from syncline.diagnosis.places import effort_share
from syncline.diagnosis.view import View, number, place
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_LEAST_MS = 100.0  # a shorter lag is no blocked loop but a busy one
_GROWS = 0.5  # of the clock: a lag that grows so has no end

_IN_A_THREAD = """\
result = await anyio.to_thread.run_sync(blocking_call)  # or: a plain `def` endpoint
"""
_ASYNC_DRIVER = """\
engine = create_async_engine("postgresql+asyncpg://...")
async with AsyncSession(engine) as session:
    rows = await session.scalars(select(User))
"""


def loop_blocked(view: View) -> Finding | None:
    """The loop stands for as long as a request takes, or for good."""
    if died(view):
        return None
    lag, where = view.peak(names.LAG_MS), _where(view)
    on_loop = max(
        (view.high(names.POOL_WAITERS_ON_LOOP.format(f)) or 0.0 for f in names.POOLS),
        default=0.0,
    )
    least = _least_ms(view, where)
    frozen = lag is not None and _grows(view)
    if lag is None or lag.value < least:
        return _from_outside(view)
    signs = [
        sign(0.4, "loop lag, ms", lag.value, least, lag.at_s, "probe"),
        sign(0.5, "loop lag grows with the clock", "1:1", None, None, "probe") if frozen else None,
        _one_place(view, where),
        cpu_idle(view, 0.35),
        # One lag just over the bound beside a busy moment's unread bytes is not enough.
        _unread(view, 0.2 if lag.value >= 2 * least else 0.1),
    ]
    if on_loop:
        signs.append(
            sign(0.6, "waiters for a connection on the loop's thread", on_loop, 0, None, "probe")
        )
    against = [] if frozen or on_loop or _single(view) else [cpu_busy(view, 0.6)]
    if not frozen and not on_loop:
        against += [_effort(view), _kept_from_running(view, where)]
        against += [] if where else [_takes_turns(view)]
    middle = view.middle(names.LAG_MEDIAN_MS)
    if middle is not None and middle < 10 and not frozen:
        against.append(sign(0.4, "median loop lag, ms", middle, 10.0, None, "probe"))
    at = f" in {where}" if where else ""
    return conclude(
        view,
        "loop-blocked",
        "error" if stuck(view) else "warning",
        f"The event loop stood still for up to {lag.value:.0f} ms{at}."
        + (" It waits for a pooled connection that only it could give back." if on_loop else ""),
        signs=signs,
        against=against,
        fix=_fix(view, where, on_loop),
    )


def _from_outside(view: View) -> Finding | None:
    """Without a look inside: nobody reads the requests, and nothing is computed."""
    if view.points(names.LAG_MS) or not stuck(view):
        return None
    share = (view.middle(names.UNREAD) or 0.0) / view.level
    if share < 0.5:
        return None
    return conclude(
        view,
        "loop-blocked",
        "error",
        f"{share:.0%} of the connections have requests that nobody reads, and the service idles.",
        signs=[_unread(view, 0.45), cpu_idle(view, 0.3)],
        fix=_fix(view, "", 0),
    )


def _least_ms(view: View, where: str) -> float:
    """The lag that has the size of a request's latency, in ms.

    Requests that each hold the loop in turn wait for one another: their latency is then that of
    all of them, and no lag comes near it.
    """
    latency = view.latency_s
    one_by_one = _single(view) and _one_place(view, where) is not None
    least = _LEAST_MS / granted(view)  # what the hypervisor takes lengthens whatever runs
    if latency is None or stuck(view) or one_by_one:
        return least
    return max(least, min(500 * latency, 1000.0))


def _grows(view: View) -> bool:
    """Whether the lag rises with the clock for a second and more."""
    points = view.points(names.LAG_MS)
    run_s, before = 0.0, None
    for at_s, value in points:
        if before is not None and value - before[1] >= 1000 * _GROWS * (at_s - before[0]) > 0:
            run_s += at_s - before[0]
            if run_s >= 1:
                return True
        else:
            run_s = 0.0
        before = at_s, value
    return False


@dataclass(frozen=True, slots=True)
class _Block:
    """One stretch in which the loop stood still."""

    where: str
    lag_ms: float
    at_s: float
    single: bool


def _blocks(view: View) -> tuple[_Block, ...]:
    """Each block once: a long one is told while it lasts and again at its end."""
    found: dict[tuple[object, object], _Block] = {}
    for one in view.seen(names.LOOP_BLOCKED):
        row, at_s = one.data, one.at_s if one.at_s is not None else 0.0
        key = number(row, "pid"), number(row, "began_s") or at_s
        lag_ms = number(row, "lag_ms") or 0.0
        if key not in found or found[key].lag_ms < lag_ms:
            found[key] = _Block(place(row), lag_ms, at_s, _of_long_callbacks(row))
    return tuple(found.values())


def _of_long_callbacks(row: Mapping[str, object]) -> bool:
    """Whether the sampler, which looks every 50 ms, met each callback more than once."""
    looks, callbacks = number(row, "looks") or 0.0, number(row, "callbacks") or 0.0
    return 0 < 2 * callbacks <= looks


def _takes_turns(view: View) -> Sign | None:
    """Other threads have the interpreter's lock most of the time, and the loop its turn late."""
    used, busiest = cpu_cores(view), spread_over_threads(view)
    if used is None or busiest is None or used < 0.5:
        return None
    words = "busiest thread, share of the process's CPU"
    return sign(0.5, words, busiest, SPREAD, None, "process")


def _where(view: View) -> str:
    """The place at which the loop was seen blocked for the longest time in all."""
    lost: Counter[str] = Counter()
    for block in _blocks(view):
        if block.where:
            lost[block.where] += round(block.lag_ms)
    return max(lost, key=lambda one: (lost[one], one)) if lost else ""


def _one_place(view: View, where: str) -> Sign | None:
    blocks = _blocks(view)
    if not where:
        return None
    lost_s = sum(block.lag_ms for block in blocks if block.where == where) / 1000
    start, end = view.window()
    if any(row.get("event") == names.LOOP_BLOCKED for row in view.rows("note")):
        end = max(block.at_s for block in blocks)  # later ones are left out
    share = min(1.0, lost_s / (end - start)) if end > start else 1.0
    # On a full machine every stretch is longer than the work in it.
    least = 0.3 if crowded(view) else 0.1
    if share < least:
        return None
    return sign(0.5, f"time blocked in {where}, share", share, least, None, "probe")


def _single(view: View) -> bool:
    """Whether a few long callbacks, not a crowd of short ones, held the loop."""
    blocks = _blocks(view)
    return bool(blocks) and 2 * sum(block.single for block in blocks) >= len(blocks)


def _effort(view: View) -> Sign | None:
    """Where answers and logs take the processor, the loop is late for that reason."""
    shares = [effort_share(view, name) for name in (names.ANSWER_CPU_S, names.LOG_CPU_S)]
    share = max((one or 0.0 for one in shares), default=0.0)
    if not at_work(view) or share < 0.4:
        return None
    return sign(0.7, "CPU in answers or logs, share", share, 0.4, None, "probe")


def _kept_from_running(view: View, where: str) -> Sign | None:
    """On a full machine a loop is late that nothing blocks."""
    if not crowded(view) or _one_place(view, where) is not None:
        return None
    return sign(0.6, "machine CPU, share", in_use(view), 0.9, None, "machine")


def _unread(view: View, weight: float) -> Sign | None:
    peak = view.peak(names.UNREAD)
    if peak is None or peak.value < 1:
        return None
    return sign(weight, "sockets with unread bytes", peak.value, 0, peak.at_s, "sockets")


def _fix(view: View, where: str, on_loop: float) -> Fix:
    at = f" ({where})" if where else ""
    if not on_loop:
        return Fix(
            f"Take the synchronous call off the loop{at}: an asynchronous library, a plain def "
            "endpoint, or a thread.",
            _IN_A_THREAD,
        )
    limit = next((pool.limit for pool in pools(view) if pool.limit), None)
    prediction, what_if = "", None
    if limit:
        what_if = {"admission": f"{limit:.0f}"}
        prediction = (
            f"It stands from {limit + 1:.0f} requests in flight on, so not with {limit:.0f} "
            "admitted at once; a bigger pool only moves that number."
        )
    return Fix(
        f"Use an asynchronous driver, or make the endpoint a plain def{at}; or make the "
        "dependency that gives the session asynchronous.",
        _ASYNC_DRIVER,
        what_if=what_if,
        prediction=prediction,
    )
