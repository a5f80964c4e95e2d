"""What was heard of each agent; each message counts once, however often it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncline.codec import from_json, to_json
from syncline.errors import MeasurementError, PlanError
from syncline.outcome import LoadResult, Progress


def progress_message(value: Progress) -> dict[str, Any]:
    """A glance, for a message."""
    return {"glance": to_json(value)}


@dataclass
class Ledger:
    """The messages of one load.

    Attributes:
        glances: the last glance of each agent.
        results: the result of each agent that ended.
        refused: how many messages were not taken because they had been before, or were old.
    """

    glances: dict[int, Progress] = field(default_factory=dict)
    results: dict[int, LoadResult] = field(default_factory=dict)
    refused: int = 0
    _last: dict[int, int] = field(default_factory=dict)

    def take(self, message: Mapping[str, Any]) -> bool:
        """Takes a message, unless its agent has said it or a later one before.

        Raises:
            MeasurementError: it does not say what it should.
        """
        agent, sequence = message.get("agent"), message.get("sequence")
        if not isinstance(agent, int) or not isinstance(sequence, int):
            raise MeasurementError("An agent's message lacks its agent and sequence numbers.")
        if sequence <= self._last.get(agent, -1) or agent in self.results:
            self.refused += 1
            return False
        try:
            if "result" in message:
                self.results[agent] = from_json(LoadResult, message["result"], "result")
            elif message.get("glance") is not None:
                self.glances[agent] = from_json(Progress, message["glance"], "glance")
        except PlanError as error:
            raise MeasurementError(f"Agent {agent}'s message does not fit: {error}") from None
        self._last[agent] = sequence
        return True

    def progress(self) -> Progress | None:
        """All agents at a glance; None before the first was heard.

        Counts and rates add up. Quantiles do not: the median shown is the mean of the agents' by
        their rates, and p99 is the worst agent's. The result has the true ones.
        """
        many = list(self.glances.values())
        if not many:
            return None
        medians = [(one.p50_us, one.rate_rps) for one in many if one.p50_us is not None]
        weight = sum(rate for _, rate in medians)
        worst = [one.p99_us for one in many if one.p99_us is not None]
        return Progress(
            elapsed_s=max(one.elapsed_s for one in many),
            ok=sum(one.ok for one in many),
            failed=sum(one.failed for one in many),
            timed_out=sum(one.timed_out for one in many),
            in_flight=sum(one.in_flight for one in many),
            rate_rps=sum(one.rate_rps for one in many),
            p50_us=sum(us * rate for us, rate in medians) / weight if weight else None,
            p99_us=max(worst, default=None),
            warmup=any(one.warmup for one in many),
        )
