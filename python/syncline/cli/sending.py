"""What is to be sent, by what, and what is to be said of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncline.codec import to_json
from syncline.outcome import LoadResult, Progress
from syncline.plan import Plan

if TYPE_CHECKING:  # flows double the time that a plain load takes to start
    from syncline.flow import FlowCounts
    from syncline.flow.wrk import Script

Send = Callable[[Plan, Callable[[Progress], None] | None], LoadResult]


@dataclass
class Sending:
    """A plan, how it is sent, and what is to be said of both.

    Attributes:
        send: what sends it; None leaves it to the engine.
        notes: to be said before the load.
        flows: what became of flows, once they were sent.
        script: whose ``done`` is to be called.
    """

    plan: Plan
    send: Send | None = None
    notes: tuple[str, ...] = ()
    flows: FlowCounts | None = None
    script: Script | None = field(default=None, repr=False)

    @property
    def extra(self) -> dict[str, Any]:
        """What goes into the load's JSON beside its result."""
        return {} if self.flows is None else {"flows": to_json(self.flows)}

    def after(self, result: LoadResult) -> None:
        """Has a script's ``done`` say its word, on standard error."""
        if self.script is not None:
            self.script.done(result)
            sys.stderr.write(self.script.written())

    def facts(self) -> tuple[str, ...]:
        """What to say of flows after the load."""
        found = self.flows
        if found is None:
            return ()
        text = f"flows: {found.done} went through, {found.failed} failed"
        if found.duration_us is not None:
            median, late = found.duration_us.p50 / 1e3, found.duration_us.p99 / 1e3
            text += f"; one takes {median:.1f} ms (p50), {late:.1f} ms (p99), pauses included"
        if found.cpu_us_per_request is not None:
            text += f"; Python used {found.cpu_us_per_request:.0f} µs of CPU for each request"
        broken = f"{found.broken} flows ended by an error in the scenario: {found.first_error}."
        return (f"{text}.", *((broken,) if found.broken else ()))
