"""The two shapes of plan that the suite uses, short to write."""

from __future__ import annotations

from typing import Any

from syncline.plan import ClosedLoop, Plan, constant_rate


def closed(url: str, connections: int = 4, duration_s: float | None = 0.5, **more: Any) -> Plan:
    """A closed loop on a server."""
    return Plan(url, connections=connections, duration_s=duration_s, **_spread(more))


def a_few(url: str, count: int = 20, connections: int = 2, **more: Any) -> Plan:
    """A closed loop that ends by itself after so many requests, and in any case soon."""
    plan = {"deadline_s": 5.0, "interval_s": 0.25} | _spread(more)
    return Plan(url, connections=connections, duration_s=None, request_count=count, **plan)


def paced(
    url: str, rate_rps: float, connections: int = 64, duration_s: float = 1.0, **more: Any
) -> Plan:
    """An open loop of constant rate on a server."""
    schedule = constant_rate(rate_rps)
    return Plan(
        url, schedule=schedule, connections=connections, duration_s=duration_s, **_spread(more)
    )


def _spread(more: dict[str, Any]) -> dict[str, Any]:
    """``think_time_s`` is a matter of the schedule, the rest of the plan."""
    if "think_time_s" in more:
        more["schedule"] = ClosedLoop(think_time_s=more.pop("think_time_s"))
    return more
