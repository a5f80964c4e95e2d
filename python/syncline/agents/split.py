"""One plan for N agents: N plans whose whole is exactly what was asked.

Uniform arrivals: agent ``i`` of ``n`` takes every ``n``-th planned instant, from the ``i``-th on,
so that the union of all agents' instants is the whole's, ramps included. It does so within the
plan's own words: the rate is divided by ``n``, and zero until the ``i``-th instant. Poisson
arrivals: independent processes of 1/n of the rate add up to one of the whole rate.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from syncline.errors import PlanError
from syncline.plan import ClosedLoop, Phase, Plan, Request, Schedule

_SEQUENCE = re.compile(r"\{\{\s*seq\s*(?::\s*(\d+)\s*)?\}\}")
# How far apart agents' numbers start where a load ends by time: more than one can send in days.
_SEQUENCE_STRIDE = 1_000_000_000_000


def split(plan: Plan, agents: int) -> tuple[Plan, ...]:
    """A plan for each agent.

    Connections, requests and the queue's bound are whole numbers and divided so that shares
    differ by one at most. ``threads`` is what each agent uses. Seeds differ, the first is the
    plan's. Numbers of ``{{seq}}`` do not meet: with ``request_count`` the agents' numbers follow
    each other without a gap, else each starts 10^12 after the last.

    Raises:
        PlanError: there is less to share than there are agents.
    """
    if agents < 1:
        raise PlanError(f"agents is {agents}; it must be 1 or more.")
    for name, total in (("connections", plan.connections), ("request_count", plan.request_count)):
        if total is not None and total < agents:
            raise PlanError(
                f"{name} is {total}, too few for {agents} agents: each needs 1 at least. "
                f"Ask for at most {total} agents."
            )
    connections = shares(plan.connections, agents)
    counts: tuple[int | None, ...] = (None,) * agents
    firsts = tuple(agent * _SEQUENCE_STRIDE for agent in range(agents))
    if plan.request_count is not None:
        parts = shares(plan.request_count, agents)
        counts, firsts = parts, (0, *accumulate(parts))[:agents]
    return tuple(
        replace(
            plan,
            schedule=_schedule(plan.schedule, agent, agents),
            connections=connections[agent],
            threads=min(plan.threads, connections[agent]),
            request_count=counts[agent],
            seed=_seed(plan.seed, agent),
            requests=tuple(_numbered(request, firsts[agent]) for request in plan.requests),
            pin_cpus=_turned(plan.pin_cpus, agent),
        )
        for agent in range(agents)
    )


def shares(total: int, agents: int) -> tuple[int, ...]:
    """A whole number in that many parts, largest first, that differ by one at most."""
    each, more = divmod(total, agents)
    return tuple(each + (agent < more) for agent in range(agents))


def _schedule(schedule: Schedule, agent: int, agents: int) -> Schedule:
    if isinstance(schedule, ClosedLoop):
        return schedule
    phases = (
        _divided(schedule.phases, agents)
        if schedule.arrivals == "poisson"
        else _every(schedule.phases, agent, agents)
    )
    limit = shares(schedule.queue_limit, agents)[agent]
    return replace(schedule, phases=phases, queue_limit=limit)


def _divided(phases: tuple[Phase, ...], agents: int) -> tuple[Phase, ...]:
    return tuple(
        Phase(phase.duration_s, phase.from_rps / agents, phase.to_rps / agents) for phase in phases
    )


def _every(phases: tuple[Phase, ...], agent: int, agents: int) -> tuple[Phase, ...]:
    """The rate of each ``agents``-th instant, from the instant with that number on."""
    divided = _divided(phases, agents)
    if agent == 0:
        return divided
    at_s, before = 0.0, 0.0
    for index, phase in enumerate(phases):
        within_s = _until(phase, agent - before)
        if within_s is not None and within_s < phase.duration_s:
            return (
                *_nothing(at_s + within_s),
                _rest(divided[index], within_s),
                *divided[index + 1 :],
            )
        at_s += phase.duration_s
        before += phase.duration_s * (phase.from_rps + phase.to_rps) / 2
    last_rps = phases[-1].to_rps
    if last_rps == 0:
        return (*_nothing(at_s),)  # fewer requests in all than agents
    each_rps = last_rps / agents
    return (*_nothing(at_s + (agent - before) / last_rps), Phase(1.0, each_rps, each_rps))


def _until(phase: Phase, count: float) -> float | None:
    """Seconds into a phase after which it has planned ``count`` requests; None if it does not.

    The root of ``count = a t + (b - a) t² / 2d`` in the form that does not cancel.
    """
    slope = (phase.to_rps - phase.from_rps) / phase.duration_s
    square = phase.from_rps**2 + 2 * count * slope
    if square < 0:
        return None
    total = phase.from_rps + math.sqrt(square)
    return 2 * count / total if total > 0 else None


def _nothing(duration_s: float) -> Iterator[Phase]:
    if duration_s > 0:
        yield Phase(duration_s, 0.0, 0.0)


def _rest(phase: Phase, from_s: float) -> Phase:
    rate = phase.from_rps + (phase.to_rps - phase.from_rps) * from_s / phase.duration_s
    return Phase(phase.duration_s - from_s, rate, phase.to_rps)


def _seed(seed: int, agent: int) -> int:
    if agent == 0:
        return seed
    # Hashed, not seed + agent: a second run with the next seed would repeat the agents' choices.
    digest = hashlib.sha256(f"{seed}/{agent}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _numbered(request: Request, first: int) -> Request:
    if not request.templates or not first:
        return request

    def moved(text: str) -> str:
        return _SEQUENCE.sub(lambda found: f"{{{{seq:{int(found[1] or 0) + first}}}}}", text)

    return replace(
        request,
        path=moved(request.path),
        headers=tuple((name, moved(value)) for name, value in request.headers),
        body=None if request.body is None else moved(request.body),
    )


def _turned(cpus: tuple[int, ...], agent: int) -> tuple[int, ...]:
    """Agents of one machine begin with different ones of the cores that they may use."""
    start = agent % len(cpus) if cpus else 0
    return cpus[start:] + cpus[:start]
