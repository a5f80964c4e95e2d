"""The lines of a load's report on connections, traffic, and the generator's own health."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.outcome import LoadResult
from syncline.plan import OpenLoop, Plan
from syncline.report import units
from syncline.report.document import Sentence, Tone

Row = tuple[str, Sentence]


def health_rows(plan: Plan, result: LoadResult) -> Iterator[Row]:
    """Terms and sentences; a sentence has a tone only if something is amiss."""
    yield _connections(result)
    yield _fairness(result)
    yield _traffic(result)
    if isinstance(plan.schedule, OpenLoop):
        yield _schedule(result)
    yield _generator(plan, result)
    if result.agents:
        yield _agents(result)


def _connections(result: LoadResult) -> Row:
    found = result.connections
    text = f"{units.count(found.opened)} opened for {units.count(found.asked)} asked"
    if found.failed:
        text += f", {units.plural(found.failed, 'attempt')} failed"
    return "connections", Sentence(text, "warn" if found.failed else "normal")


def _fairness(result: LoadResult) -> Row:
    found = result.connections
    spread = (
        f"answers per connection {units.count(found.requests_min)} to "
        f"{units.count(found.requests_max)}, median {units.count(found.requests_median)}"
    )
    if found.never_served:
        return "fairness", Sentence(
            f"{units.count(found.never_served)} of {units.count(found.asked)} connections "
            f"never got an answer; {spread}",
            "bad",
        )
    return "fairness", Sentence(spread)


def _traffic(result: LoadResult) -> Row:
    if result.duration_s > 0:
        per_second = f" ({units.size(result.bytes_in / result.duration_s)}/s)"
    else:
        per_second = ""
    return "traffic", Sentence(
        f"{units.size(result.bytes_in)} in{per_second}, {units.size(result.bytes_out)} out"
    )


def _schedule(result: LoadResult) -> Row:
    own = result.generator
    parts = [f"{units.count(result.planned)} planned, {units.count(result.sent)} sent"]
    if own.unsent:
        parts.append(f"{units.count(own.unsent)} never sent")
    if own.lateness_us is not None and own.lateness_us.count:
        late = own.lateness_us
        parts.append(
            f"late by {units.duration(late.p50)} at p50, {units.duration(late.p99)} at p99"
        )
    if own.queue_peak:
        parts.append(f"up to {units.count(own.queue_peak)} waited for a connection")
    return "schedule", Sentence("; ".join(parts), "warn" if own.unsent else "normal")


def _generator(plan: Plan, result: LoadResult) -> Row:
    own = result.generator
    tone: Tone = "bad" if own.bottleneck else "normal"
    busiest = "its thread" if plan.threads == 1 else "its busiest thread"
    each = f", {units.duration(own.cpu_s * 1e6 / result.ok)} per answer" if result.ok else ""
    end = "it was the limit, not the service" if own.bottleneck else "not the limit"
    return "generator", Sentence(
        f"{units.span(own.cpu_s)} CPU{each}; {busiest} {units.share(own.cpu_share)} busy; {end}",
        tone,
    )


def _agents(result: LoadResult) -> Row:
    """Who sent it, which of them was lost or the limit, and how well they kept together."""
    agents = result.agents
    parts = [f"{units.plural(len(agents), 'agent')} on {_nodes(result)}"]
    lost = [agent for agent in agents if agent.lost_s is not None]
    limits = [str(agent.number) for agent in agents if agent.bottleneck]
    parts += [
        f"agent {agent.number} lost at {agent.lost_s:.1f} s with {units.share(agent.share)} of "
        "the load"
        for agent in lost
    ]
    if limits:
        parts.append(f"the limit was agent {', '.join(limits)}")
    latest = max(agent.late_s for agent in agents)
    parts.append(f"begun within {units.duration(latest * 1e6)} of each other")
    return "agents", Sentence("; ".join(parts), "bad" if lost or limits else "normal")


def _nodes(result: LoadResult) -> str:
    return units.plural(len({agent.node for agent in result.agents}), "machine")
