"""Trials for the tests of the diagnosis: a level, what was seen, and what the load left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syncline.diagnosis import diagnose
from syncline.finding import Code, Finding
from syncline.outcome import LoadResult, Observation, Outcome, Series, Silence
from syncline.trial import Load, Trial, Variant
from tests.unit import factories as make

Pair = tuple[Trial, Outcome]
DURATION_S = 10.0
TIMES_S = tuple(round(0.2 * step, 1) for step in range(51))
SYNC = Variant("sync", app="a:b")
LINE = ["/srv/app.py", 12, "show"]


@dataclass(frozen=True)
class Case:
    """A code, trials that show it, and their twin that does not."""

    code: Code
    name: str
    fires: Callable[[], Sequence[Pair]]
    quiet: Callable[[], Sequence[Pair]]


def trial(
    seen: Mapping[str, Any] | None = None,
    result: LoadResult | None = None,
    level: int = 48,
    *,
    observations: Sequence[Observation] = (),
    load: Mapping[str, Any] | None = None,
    variant: Variant = SYNC,
    repeat: int = 0,
    **changes: Any,
) -> Pair:
    """One trial of 10 s; series as a constant, or as a function of the instant."""
    asked = Trial("users", variant, Load(level, DURATION_S, **(load or {})), repeat=repeat)
    series = {name: _series(value) for name, value in (seen or {}).items()}
    left = make.outcome(
        result or good(level), series=series, observations=tuple(observations), **changes
    )
    return asked, left


def good(level: int = 48, **changes: Any) -> LoadResult:
    """20,000 answers in 10 s, at the same pace throughout."""
    connections = replace(_good().connections, asked=level, opened=level)
    basic: dict[str, Any] = {"connections": connections}
    return replace(_good(), **(basic | changes))


def hung(level: int = 200, **changes: Any) -> LoadResult:
    """No answer from 0.4 s to the end at 10 s."""
    silence = Silence(0.4, 9.6, until_end=True)
    basic: dict[str, Any] = {"duration_s": DURATION_S, "silence": silence, "in_flight": level}
    return replace(_hung(), **(basic | changes))


def seen(kind: str, observer: str = "probe", **data: Any) -> Observation:
    """An observation."""
    return Observation(observer, kind, f"{kind} was seen", data.pop("at_s", None), data)


def rising(slope: float, start: float = 0.0) -> Callable[[float], float]:
    """A line: so much per second."""
    return lambda at_s: start + slope * at_s


def pool(limit: int = 15, out: float = 15, waiters: float = 20, size: int = 5) -> dict[str, Any]:
    """A pool's series."""
    return {
        "probe.pool_size": size,
        "probe.pool_limit": limit,
        "probe.pool_checked_out": out,
        "probe.pool_waiters": waiters,
        "probe.pool_overflow": max(0, out - size),
    }


def threads(taken: int = 40, waiting: int = 100) -> dict[str, Any]:
    """The thread limiter's series."""
    return {
        "probe.limiter_tokens": 40,
        "probe.limiter_borrowed": taken,
        "probe.limiter_waiting": waiting,
    }


def postgres(
    idle_in_transaction: float = 0, active: float = 2, sessions: float = 15
) -> dict[str, Any]:
    """PostgreSQL's sessions."""
    return {
        "postgres.sessions": sessions,
        "postgres.max_connections": 100,
        "postgres.sessions.active": active,
        "postgres.sessions.idle_in_transaction": idle_in_transaction,
    }


def cpu(cores: float) -> dict[str, Any]:
    """The CPU of the service's only process."""
    return {"process.cpu_cores": cores, "process.cpu_cores.1": cores}


def standing(place: list[Any], count: int = 40) -> Observation:
    """Tasks that stand in a place, from the service's own line."""
    stack = [place, LINE]
    return seen("stacks", threads=[], tasks=[{"count": count, "names": ["t"], "stack": stack}])


def codes(pairs: Sequence[Pair]) -> set[Code]:
    """All codes that are named, consequences included."""
    return {code for one in diagnose(pairs) for code in (one.code, *one.consequences)}


def roots(pairs: Sequence[Pair]) -> list[Code]:
    """The codes that stand by themselves, in order."""
    return [one.code for one in diagnose(pairs)]


def the(code: Code, pairs: Sequence[Pair]) -> Finding:
    """The finding of that code."""
    (found,) = [one for one in diagnose(pairs) if one.code == code]
    return found


@functools.cache
def _good() -> LoadResult:
    return make.load_result(duration_s=DURATION_S, throughput_rps=2000.0)


@functools.cache
def _hung() -> LoadResult:
    return make.hung_result()


def _series(value: Any) -> Series:
    values = tuple(float(value(at) if callable(value) else value) for at in TIMES_S)
    return Series("1", TIMES_S, values)
