"""What gives out beyond a capacity: told from the windows that just missed the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncline.diagnosis import diagnose
from syncline.diagnosis.headroom import uses
from syncline.diagnosis.names import LAG_MS
from syncline.diagnosis.view import View
from syncline.finding import Code
from syncline.outcome import Outcome
from syncline.trial import Trial

_USED_UP = 0.85
# What a sentence calls the resource behind a cause. Codes that say what happened, and not of
# what there was too little, are not here: a hang is no resource.
_RESOURCES: Mapping[Code, str] = {
    "pool-deadlock": "the connection pool, which deadlocks,",
    "pool-exhausted": "the connection pool",
    "pool-unfair": "the connection pool, in which requests overtake each other,",
    "connection-leak": "the connection pool, which leaks,",
    "held-in-transaction": "connections held in transactions",
    "connection-budget": "the database's number of connections",
    "overflow-churn": "the connection pool's overflow",
    "database-bound": "the database",
    "loop-blocked": "the event loop, which is blocked,",
    "thread-pool-saturated": "the number of threads",
    "gil-bound": "the interpreter's lock",
    "cpu-bound": "the service's CPU",
    "lock-contention": "a lock",
    "n-plus-one": "the number of statements per request",
    "held-upstream": "another service that it waits for",
    "payload-bound": "the size of the answers",
    "logging-overhead": "logging",
    "cache-stampede": "the cache, which is filled many times at once,",
    "accept-queue-full": "the accept queue",
    "connections-starved": "the number of connections that are served",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """The resource that gives out first.

    Attributes:
        resource: as it stands in a sentence: ``the event loop's CPU``.
        code: of the finding that names it; None if it was told from its use alone.
        evidence: what was seen, in a sentence.
        rate_rps: the offered rate at which it was seen.
    """

    resource: str
    code: Code | None
    evidence: str
    rate_rps: float


def limit_of(missed: Sequence[tuple[float, Trial, Outcome]]) -> Limit | None:
    """What was used up at the rates that just missed, the lowest first; None if it was not seen.

    A cause that was found counts before a resource that is merely used up: with its core taken
    a service may still wait for something else.
    """
    for rate_rps, trial, outcome in missed:
        for finding in diagnose(((trial, outcome),)):
            if finding.severity != "info" and finding.code in _RESOURCES:
                return Limit(
                    _resource(finding.code, trial, outcome), finding.code, finding.summary, rate_rps
                )
    for rate_rps, trial, outcome in missed:
        if outcome.result is None:
            continue
        view = View(trial, outcome, outcome.result)
        most = max(uses(view), key=lambda use: use.share, default=None)
        if most is not None and most.share >= _USED_UP:
            core = most.what == "a worker's core"
            resource = _cpu(view) if core else most.what
            return Limit(resource, None, f"{most.share:.0%} of {most.what} was used.", rate_rps)
    return None


def _resource(code: Code, trial: Trial, outcome: Outcome) -> str:
    if code == "cpu-bound" and outcome.result is not None:
        return _cpu(View(trial, outcome, outcome.result))
    return _RESOURCES[code]


def _cpu(view: View) -> str:
    """Whose core it is: of a service whose requests run on its loop, the loop's."""
    return "the event loop's CPU" if view.high(LAG_MS) is not None else "a worker's CPU"
