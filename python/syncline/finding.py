"""What a diagnosis says: a root cause by a stable code, with its evidence and what to do.

A code is an interface: users gate CI on it, so a code never changes its meaning.
``syncline explain CODE`` tells what each of them means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Code = Literal[
    "pool-exhausted",
    "pool-unfair",
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
Status = Literal["fixed", "improved", "no difference shown", "made worse", "not measured"]


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
        bound: the requests in flight from which on the trouble is foretold to be back with the
            what-if; None where it is not to come back, or nothing is foretold.
        metric: what it is to better: the rate, or the 99th percentile of the latency.
    """

    edit: str
    example: str = ""
    what_if: Mapping[str, str] | None = None
    prediction: str = ""
    cures: bool = True
    bound: int | None = None
    metric: Literal["throughput_rps", "p99_us"] = "throughput_rps"


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two variants did under one load.

    Attributes:
        trials: how many of its trials count.
        broke: in how many of them it hung, died, or failed more than one request in twenty.
        shows: in how many of them the finding itself was seen again.
        rate_rps: its successful answers per second, over the whole of these trials, silences
            included: the geometric mean, or 0 if one had none; None without trials.
        interval: the 95 % confidence interval of that rate; None with fewer than two trials,
            or where it broke.
        errors: the greatest share of requests in one of them that failed or timed out.
        p99_us: the geometric mean of their 99th percentiles, response times where the load was
            open; None if a trial had none.
    """

    trials: int
    broke: int
    shows: int
    rate_rps: float | None
    interval: tuple[float, float] | None = None
    errors: float = 0.0
    p99_us: float | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """Original and fixed variant under one load, in trials that alternated.

    Attributes:
        load, level: its name and its connections.
        original: None where only the fixed variant was tried: above the bound that is foretold.
        pairs: how many pairs of trials count; those with a trial that is no valid measurement
            do not.
        left_out: such trials, each with its reason.
        ratio: fixed over original, in the verification's metric; None where one of them broke.
        interval: its 95 % confidence interval, from the pairs.
        could_have_seen: the smallest difference, as a share, that these pairs would have shown.
        status: what the fix did here; ``fixed`` means that the original broke and this did not.
    """

    load: str
    level: int
    original: Side | None
    fixed: Side
    pairs: int
    left_out: tuple[str, ...] = ()
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    could_have_seen: float | None = None
    status: Status = "not measured"


@dataclass(frozen=True, slots=True)
class SideEffect:
    """What the fix cost or saved beside: medians over the trials that count, of one load.

    Attributes:
        metric: ``memory`` or ``database connections``, of the service.
        unit: ``bytes`` or ``1``.
    """

    metric: str
    unit: str
    level: int
    original: float
    fixed: float


@dataclass(frozen=True, slots=True)
class Verification:
    """What the fix did when it was measured: its trials alternated with the original's.

    Attributes:
        status: ``fixed`` if the original broke and the fixed variant did not, there and a level
            below; otherwise what the ratio's interval says at the finding's load. A fix that is
            known only to move the bound is at best ``improved``.
        ratio: of the fixed variant's figure over the original's, at ``ratio_level``; None where
            there is no load under which both kept answering.
        interval: its 95 % confidence interval.
        ratio_level: the connections at which ``ratio`` was measured: the finding's own, or the
            level below if the original broke there; then it says what the fix costs.
        metric: what the ratio is of: the rate, or, in open loop and where the fix is for it, the
            99th percentile of the latency, of which less is better.
        imposed: the settings that made the fixed variant.
        levels: each load that was tried, the finding's own first.
        side_effects: memory and connections.
    """

    status: Status
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    ratio_level: int | None = None
    metric: Literal["throughput_rps", "p99_us"] = "throughput_rps"
    imposed: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[Contrast, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()


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
        load: the name of that load's kind; empty in what older versions stored, as is:
        trial: the identity of the trial that shows it, in which the instants of its evidence lie.
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
    load: str = ""
    trial: str = ""
