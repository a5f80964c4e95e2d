"""What several rules ask of a trial: the pool, the threads, the processor, the words of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncline.diagnosis import names
from syncline.diagnosis.view import View, number
from syncline.diagnosis.weigh import Sign, sign

MOSTLY = 0.5
"""The share of samples from which on something holds throughout."""
BUSY = 0.85
SPREAD = 0.7  # of the CPU, at most, in one thread where several take turns
"""Cores per worker process from which on its interpreter is the limit."""
_LEAST_FULL = 0.65  # the same, however much the hypervisor takes of the machine as a whole
_SHARED = 0.5  # cores per worker process, the same on a machine that is full
_LEFT_OVER = 0.2  # cores, where others keep the machine full
_GOOD_PART = 0.4  # of the machine's cores, for service and database together
IDLE = 0.3
"""Cores per worker process below which it waits for something."""

REFUSALS = re.compile(
    r"too many clients already|remaining connection slots are reserved|too many connections"
    r"|\b1040\b",
    re.IGNORECASE,
)
POOL_TIMEOUT = re.compile(
    r"QueuePool limit of size \d+ overflow \d+ reached|PoolTimeout: couldn't get a connection"
)


@dataclass(frozen=True, slots=True)
class Pool:
    """Connection pools of one family, summed over the processes.

    Attributes:
        family: the beginning of its quantities' names.
        size: connections that are kept; ``limit`` those that may be opened; None if unbounded.
        full: the share of samples in which all were out and someone waited, and since when.
        waiters: the most that waited at once; ``out`` the most that were out.
    """

    family: str
    size: float
    limit: float | None
    full: tuple[float, float | None] | None
    waiters: float
    out: float

    @property
    def is_full(self) -> bool:
        """Whether all connections were out, with a queue, throughout."""
        return self.full is not None and self.full[0] >= MOSTLY


def pools(view: View, families: tuple[str, ...] = names.POOLS) -> Iterator[Pool]:
    """The families of pools that were seen."""
    for family in families:
        out = view.high(names.POOL_OUT.format(family))
        if out is None:
            continue
        waiters = names.POOL_WAITERS.format(family)
        limit = view.high(names.POOL_LIMIT.format(family))
        size = view.high(names.POOL_SIZE.format(family)) or 0.0
        if family in names.POOLS and (awaited := _awaited(view)):
            # The sum over all pools says little of the one that requests wait for.
            limits = [number(row, "limit") for row in awaited]
            limit = None if None in limits else sum(one or 0.0 for one in limits)
            size = sum(number(row, "size") or 0.0 for row in awaited)
        full = None
        if limit:
            full = view.together(
                lambda taken, waiting, bound=limit: taken >= bound and waiting > 0,
                names.POOL_OUT.format(family),
                waiters,
            )
        yield Pool(family, size, limit, full, view.high(waiters) or 0.0, out)


def _awaited(view: View) -> list[Mapping[str, object]]:
    """The pools for which someone waited in this load, one row for each process."""
    found = []
    for row in view.rows(names.POOL):
        waits, before = row.get("waits"), row.get("before")
        earlier = before.get("waits") if isinstance(before, Mapping) else None
        total_s = number(waits, "total_s") if isinstance(waits, Mapping) else None
        then_s = number(earlier, "total_s") if isinstance(earlier, Mapping) else None
        waited = (total_s or 0.0) - (then_s or 0.0) > 0.01 * view.result.duration_s
        if waited or (number(row, "waiters") or 0.0) > 0:
            found.append(row)
    return found


def fullest(view: View) -> Pool | None:
    """The database pool with most waiters; None if none was seen."""
    return max(pools(view), key=lambda pool: (pool.is_full, pool.waiters), default=None)


def tokens(view: View) -> float | None:
    """How many thread tokens the limiters of all processes have."""
    for row in view.rows(names.SETTINGS):
        limiter = row.get("thread_limiter")
        found = limiter.get("tokens") if isinstance(limiter, Mapping) else None
        if isinstance(found, list | tuple):
            counts = [number({"tokens": one}, "tokens") or 0.0 for one in found]
            if sum(counts) > 0:
                return sum(counts) * max(1, serving(view))
    return view.high(names.TOKENS) or None


def threads_taken(view: View) -> tuple[float, float | None] | None:
    """The share of samples in which all thread tokens were taken, and since when."""
    total = tokens(view)
    if total is None:
        return None
    return view.together(lambda taken: taken >= total, names.TOKENS_TAKEN)


def cpu_cores(view: View) -> float | None:
    """The cores that the busiest of the service's processes used, on the mean."""
    each = [view.mean(name) for name in view.series_under(names.CPU_OF_PROCESS)]
    known = [mean for mean in each if mean is not None]
    return max(known) if known else view.mean(names.CPU_CORES)


def spread_over_threads(view: View) -> float | None:
    """The busiest thread's share of its process's CPU, where no thread has most of it."""
    used, one = cpu_cores(view), view.mean(names.BUSIEST_THREAD)
    if not used or one is None or one > SPREAD * used:
        return None
    return one / used


def cpu_busy(view: View, weight: float) -> Sign | None:
    """The sign that the interpreter is at its limit, so that a queue elsewhere is only where
    requests wait for it."""
    used, least = cpu_cores(view), max(_SHARED, BUSY * granted(view))
    if crowded(view):  # it is kept from a part of its core, and the rest is all it gets
        least = _SHARED
    if used is None or used < least:
        return None
    return sign(weight, "busiest process, cores", used, least, observer="process")


def granted(view: View) -> float:
    """The share of the time in which the machine's processors had work and the hypervisor let
    them do it: what it takes back is in no process's CPU time."""
    used, stolen = view.mean(names.MACHINE_CPU), view.mean(names.STEAL)
    if not used or stolen is None:
        return 1.0
    return used / (used + stolen)


def full_core(view: View) -> float:
    """Cores from which on a process has about all that one core gives on this machine."""
    return max(_LEAST_FULL, BUSY * granted(view))


def cpu_idle(view: View, weight: float) -> Sign | None:
    """The sign that the service waits for something else than the processor."""
    used = cpu_cores(view)
    if used is None or used >= IDLE:
        return None
    return sign(weight, "busiest process, cores", used, IDLE, observer="process")


def stuck(view: View) -> bool:
    """Whether answers stopped, or never came, while requests were in flight."""
    nothing = view.result.ok + view.result.failed == 0
    waiting = view.result.in_flight + view.result.timed_out > 0
    return view.outcome.hang is not None or (nothing and waiting)


def died(view: View) -> bool:
    """Whether the service ended during the load."""
    reasons = view.outcome.validity.reasons
    said = any(reason.startswith("the service died") for reason in reasons)
    return said or view.outcome.service.status is not None


def database(view: View) -> str | None:
    """The database that was watched."""
    return next(
        (name for name in names.DATABASES if view.points(names.SESSIONS.format(name))), None
    )


def statement_share(view: View) -> float | None:
    """Time in statements over the requests' time inside the application."""
    spent, inside = view.growth(names.STATEMENTS_S), view.growth(names.INSIDE_S)
    return spent / inside if spent is not None and inside else None


def in_use(view: View) -> float | None:
    """The share of the machine's processors that is taken, what the hypervisor takes included."""
    share = view.mean(names.MACHINE_CPU)
    return None if share is None else min(1.0, share + (view.mean(names.STEAL) or 0.0))


def crowded(view: View) -> bool:
    """Whether all of the machine's processors were in use, whoever used them, and were it the
    hypervisor's other guests."""
    share = in_use(view)
    return share is not None and share >= 0.9


def at_work(view: View) -> bool:
    """Whether the processor is what the service needs most: it has half of a core, or as much
    as others leave it."""
    used = cpu_cores(view)
    return used is not None and used >= (_LEFT_OVER if crowded(view) else _SHARED)


def machine_full(view: View) -> bool:
    """Whether all of the machine's processors were in use, and not by others alone.

    Who needs little gets it at once, however busy others keep the machine: only where service
    and database use a good part of it themselves do they wait for one another.
    """
    if not crowded(view):
        return False
    cores = len(view.series_under(names.MACHINE_CPU + "."))
    seen_by, own = database(view), view.mean(names.CPU_CORES)
    theirs = view.mean(names.DATABASE_CPU.format(seen_by)) if seen_by else None
    if not cores or own is None:
        return True
    return own + (theirs or 0.0) >= _GOOD_PART * cores


def words(view: View, pattern: re.Pattern[str]) -> tuple[str, float | None, str] | None:
    """Where a pattern stands in errors, logs and events: the words, when, and who saw them."""
    for sample in view.result.error_samples:
        if found := pattern.search(sample.sample):
            return found.group(), sample.first_s, "load"
    for one in view.outcome.observations:
        if one.kind in ("note", names.STATEMENT):
            continue
        if found := pattern.search(one.text):
            return found.group(), one.at_s, one.observer
    found = pattern.search(view.outcome.service.log_tail)
    return (found.group(), None, "log") if found else None


def pool_settings(view: View) -> tuple[Mapping[str, object], ...]:
    """The database pools of all processes that serve, as they were set.

    Each process tells of its own; where only one was asked, the others are taken to be alike.
    """
    if rows := view.rows(names.POOL):
        return rows
    found = [pool for row in view.rows(names.SETTINGS) for pool in nested(row, "pools")]
    return tuple(found * max(1, serving(view)))


def serving(view: View) -> int:
    """How many processes answered requests, as far as the probe is in them."""
    return sum(row.get("served") is True for row in view.rows(names.PROCESS))


def usable_sessions(view: View) -> float | None:
    """How many sessions the database has for an ordinary user."""
    for one in view.seen(names.SETTING):
        ceiling = number(one.data, "max_connections")
        if ceiling is not None and one.observer in names.DATABASES:
            kept = ("superuser_reserved_connections", "reserved_connections")
            return ceiling - sum(number(one.data, name) or 0.0 for name in kept)
    for name in names.DATABASES:
        if (ceiling := view.high(names.CEILING.format(name))) is not None:
            return ceiling
    return None


def nested(data: Mapping[str, object], name: str) -> tuple[Mapping[str, object], ...]:
    """The rows under a name, one level further down where a hook's name stands before it."""
    found = data.get(name)
    if isinstance(found, Mapping):
        found = found.get(name)
    if not isinstance(found, list | tuple):
        return ()
    return tuple(row for row in found if isinstance(row, Mapping))


def holders_without_thread(view: View) -> int:
    """Requests that hold a connection and wait for a thread token, at most at once."""
    return max(
        (
            sum(
                int(number(group, "count") or 0)
                for group in nested(data, "requests")
                if (number(group, "holds") or 0) >= 1
                and isinstance(stack := group.get("stack"), list | tuple)
                and _is_in(stack, ("CapacityLimiter", "run_sync", "run_in_threadpool"))
            )
            for data in view.rows(names.STACKS)
        ),
        default=0,
    )


def standing(view: View, *where: str) -> tuple[int, str]:
    """How many threads and tasks stood, at most at once, in a place whose file or function has
    one of these words; and the place in the service's own code behind most of them."""
    most, behind = 0, ""
    for data in view.rows(names.STACKS):
        count = 0
        largest = 0
        for group in (*nested(data, "threads"), *nested(data, "tasks")):
            stack = group.get("stack")
            how_many = int(number(group, "count") or 0)
            if not isinstance(stack, list | tuple) or not _is_in(stack, where):
                continue
            if _is_in(stack, ("Event.wait",)):  # awaits what somebody will do, not what he has
                continue
            count += how_many
            if how_many > largest and count >= most:
                largest, behind = how_many, own_place(stack)
        most = max(most, count)
    return most, behind


def own_place(stack: object) -> str:
    """The innermost place of a stack outside of installed packages and the standard library."""
    if not isinstance(stack, list | tuple):
        return ""
    for frame in stack:
        if isinstance(frame, list | tuple) and len(frame) == 3:
            file = str(frame[0])
            if not re.search(r"(site|dist)-packages/|/lib/python3|/syncline_probe/|^<", file):
                return f"{file}:{frame[1]} in {frame[2]}"
    return ""


def _is_in(stack: list[object] | tuple[object, ...], where: tuple[str, ...]) -> bool:
    innermost = [
        " ".join(map(str, frame)) for frame in stack[:6] if isinstance(frame, list | tuple)
    ]
    return any(word in frame for frame in innermost for word in where)
