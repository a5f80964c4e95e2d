"""Whether a merged result means what it says: each agent's own reasons, and the lost ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from syncline.outcome import Agent, LoadResult, Validity, unanswered

# Agents that began further apart than this did not send the load that was asked for.
_APART_S = 0.5
# As in engine/src/judge.rs: the share of planned requests that may be unsent.
_UNSENT_SHARE = 0.01
# What an agent says of its own few connections is judged for the whole again: that half of one
# agent's requests failed does not make errors dominate.
_OF_THE_WHOLE = ("errors dominate", "nothing was sent", "schedule not held")


def validity(parts: Sequence[tuple[Agent, LoadResult]], agents: Sequence[Agent]) -> Validity:
    """Valid if every agent's part is, none was lost, and all began together."""
    reasons = [_lost(agent) for agent in agents if agent.lost_s is not None]
    found: dict[str, tuple[str, list[int]]] = {}
    for agent, result in parts:
        for text in result.validity.reasons:
            kind = text.partition(":")[0]
            if kind in _OF_THE_WHOLE:
                continue
            found.setdefault(kind, (text, []))[1].append(agent.number)
    reasons += [_said(text, numbers, len(parts)) for text, numbers in found.values()]
    reasons += _of_the_whole([result for _, result in parts])
    latest = max(agents, key=lambda agent: agent.late_s, default=None)
    if latest is not None and latest.late_s > _APART_S:
        reasons.append(
            f"schedule not held: agent {latest.number} ({latest.node}) began "
            f"{latest.late_s:.2f} s after the first"
        )
    return Validity.of(tuple(reasons))


def _of_the_whole(results: Sequence[LoadResult]) -> Iterator[str]:
    ok = sum(result.ok for result in results)
    failed = sum(result.failed for result in results)
    timed_out = sum(result.timed_out for result in results)
    in_flight = sum(result.in_flight for result in results)
    planned = sum(result.planned or 0 for result in results)
    unsent = sum(result.generator.unsent for result in results)
    asked = sum(result.connections.asked for result in results)
    if planned and unsent > _UNSENT_SHARE * planned:
        yield (
            f"schedule not held: {unsent} of {planned} planned requests were not sent, for want of "
            f"a free connection among {asked}"
        )
    if reason := unanswered(ok, failed, timed_out, in_flight):
        yield reason


def notes(results: Iterable[LoadResult], lost: Sequence[Agent]) -> tuple[str, ...]:
    """What a reader should know, of any agent."""
    found = {note for result in results for note in result.notes}
    return tuple(sorted(found | ({"degraded"} if lost else set())))


def _lost(agent: Agent) -> str:
    return (
        f"degraded: agent {agent.number} ({agent.node}) was lost at {agent.lost_s or 0:.1f} s; its "
        f"share, {agent.share:.1%} of the load, is missing from then on, and what it had sent "
        f"before ({agent.ok + agent.failed + agent.timed_out} ended requests) is not in the result"
    )


def _said(text: str, numbers: Sequence[int], of: int) -> str:
    if of == 1:
        return text
    kind, colon, rest = text.partition(":")
    who = (
        "all agents"
        if len(numbers) == of
        else f"agent{'s' * (len(numbers) > 1)} " + ", ".join(map(str, numbers))
    )
    more = f"; the first of them:{rest}" if len(numbers) > 1 else f":{rest}"
    return f"{kind} on {who}{more}" if colon else f"{kind} ({who})"
