"""What a diagnosis says: a root cause by a stable code, with its evidence and what to do.

A code is an interface: users gate CI on it, so a code never changes its meaning.
``syncline explain CODE`` tells what each of them means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "pool-exhausted",
    "pool-deadlock",
    "connection-budget",
    "overflow-churn",
    "connection-leak",
    "held-in-transaction",
    "loop-blocked",
    "thread-pool-saturated",
    "gil-bound",
    "cpu-bound",
    "lock-contention",
    "n-plus-one",
    "database-bound",
    "held-upstream",
    "payload-bound",
    "logging-overhead",
    "cache-ineffective",
    "cache-stampede",
    "memory-growth",
    "descriptor-leak",
    "connections-starved",
    "accept-queue-full",
    "keep-alive-off",
    "errors-dominate",
    "hang",
    "crash",
    "generator-bound",
    "not-steady",
    "noisy",
    "healthy",
]
Severity = Literal["error", "warning", "info"]
Status = Literal["fixed", "improved", "no difference shown", "made worse"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen.

    Attributes:
        metric: its name, with its unit where it is a bare number.
        value: what it was: a number, or words.
        threshold: what it was held against; None where there is no bound.
        at_s: when, in seconds since the load began; None if it holds for the whole trial.
        observer: who saw it: ``load``, ``probe``, ``process``, ``postgres`` …
    """

    metric: str
    value: float | str | None
    threshold: float | str | None = None
    at_s: float | None = None
    observer: str = "load"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to change.

    Attributes:
        edit: the change in words, for a person.
        example: the same as code; empty if words say it.
        what_if: settings that Syncline can impose instead, without an edit; None if none can.
        prediction: what a law says that it will do: the new bound, the gain; empty without one.
        cures: False if the trouble is only moved to a higher load.
    """

    edit: str
    example: str = ""
    what_if: Mapping[str, str] | None = None
    prediction: str = ""
    cures: bool = True


@dataclass(frozen=True, slots=True)
class Verification:
    """What the fix did when it was measured.

    Attributes:
        ratio: of the fixed variant's throughput over the original's; None where the original
            has none.
        interval: its 95 % confidence interval.
    """

    status: Status
    ratio: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause of trouble in one variant.

    Attributes:
        confidence: from 0 to 1; :mod:`syncline.diagnosis` says how it is reached.
        variant: the name of the variant.
        level: the connections of the lightest load at which it shows clearly.
        summary: what was found, with its figures, in one sentence.
        mechanism: why that makes a service bend, in one sentence.
        evidence: what speaks for it.
        against: what was seen that speaks against it, and lowered the confidence.
        fix: None where nothing is to be done, or nothing is known.
        consequences: codes of what follows from it, and is not told apart from it.
        verification: None as long as nobody tried the fix.
    """

    code: Code
    severity: Severity
    confidence: float
    variant: str
    level: int
    summary: str
    mechanism: str
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    consequences: tuple[Code, ...] = ()
    verification: Verification | None = None
