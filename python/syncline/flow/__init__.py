"""Flows: what a user does in several steps, as a plain Python generator.

::

    from syncline.flow import Flow, Step, User

    def checkout(user: User) -> Flow:
        answer = yield Step("/login", json={"name": f"user{user.number}"})
        token = answer.json()["token"]
        yield Step("/cart", "POST", headers={"Authorization": f"Bearer {token}"})

``syncline load URL --flow scenario.py:checkout`` runs it. Flows are sent by Python in helper
processes, not by the engine: that costs far more per request, and is measured and told.
"""

from __future__ import annotations

from syncline.flow.result import FlowCounts, FlowResult
from syncline.flow.run import load
from syncline.flow.values import Flow, Response, Scenario, Step, StepFailed, User

__all__ = [
    "Flow",
    "FlowCounts",
    "FlowResult",
    "Response",
    "Scenario",
    "Step",
    "StepFailed",
    "User",
    "load",
]
