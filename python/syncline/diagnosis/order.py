"""Root before consequence: which finding explains which, and which stands first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from syncline.finding import Code, Finding, Severity

RANK: Mapping[Severity, int] = {"error": 0, "warning": 1, "info": 2}

# A code, and what follows from it at the same load. A code stands before those that it explains;
# the order also decides which of two roots stands first.
EXPLAINS: Mapping[Code, tuple[Code, ...]] = {
    "loop-blocked": (
        "hang",
        "pool-deadlock",
        "pool-exhausted",
        "pool-unfair",
        "held-in-transaction",
        "not-steady",
        "thread-pool-saturated",
        "errors-dominate",
        "accept-queue-full",
        "connections-starved",
    ),
    "pool-deadlock": (
        "hang",
        "pool-exhausted",
        "pool-unfair",
        "held-in-transaction",
        "thread-pool-saturated",
        "not-steady",
        "errors-dominate",
        "lock-contention",
        "accept-queue-full",
        "connections-starved",
    ),
    "connection-leak": (
        "hang",
        "pool-exhausted",
        "pool-unfair",
        "held-in-transaction",
        "errors-dominate",
        "not-steady",
        "thread-pool-saturated",
    ),
    "connection-budget": (
        "errors-dominate",
        "hang",
        "pool-exhausted",
        "pool-unfair",
        "not-steady",
    ),
    "descriptor-leak": (
        "errors-dominate",
        "memory-growth",
        "accept-queue-full",
        "not-steady",
    ),
    "memory-growth": ("crash",),
    "crash": (
        "hang",
        "errors-dominate",
        "accept-queue-full",
        "not-steady",
        "connections-starved",
    ),
    "held-upstream": (
        "hang",
        "held-in-transaction",
        "pool-exhausted",
        "pool-unfair",
        "thread-pool-saturated",
        "not-steady",
        "lock-contention",
    ),
    "lock-contention": (
        "hang",
        "thread-pool-saturated",
        "pool-exhausted",
        "pool-unfair",
        "held-in-transaction",
    ),
    "cache-stampede": (
        "database-bound",
        "pool-exhausted",
        "pool-unfair",
        "cache-ineffective",
        "not-steady",
    ),
    "cache-ineffective": (
        "database-bound",
        "pool-exhausted",
        "pool-unfair",
    ),
    "n-plus-one": (
        "database-bound",
        "pool-exhausted",
        "pool-unfair",
        "held-in-transaction",
        "logging-overhead",
        "payload-bound",
        "gil-bound",
        "cpu-bound",
    ),
    "database-bound": (
        "pool-exhausted",
        "pool-unfair",
        "thread-pool-saturated",
        "held-in-transaction",
    ),
    "held-in-transaction": (
        "pool-exhausted",
        "pool-unfair",
        "thread-pool-saturated",
    ),
    "overflow-churn": ("pool-exhausted",),
    "pool-exhausted": (
        "errors-dominate",
        "hang",
        "thread-pool-saturated",
        "not-steady",
    ),
    "pool-unfair": ("not-steady",),
    "thread-pool-saturated": (
        "hang",
        "accept-queue-full",
        "not-steady",
    ),
    "errors-dominate": (
        "hang",
        "keep-alive-off",
        "logging-overhead",
        "not-steady",
    ),
    "hang": (
        "accept-queue-full",
        "connections-starved",
        "not-steady",
    ),
    "accept-queue-full": ("connections-starved",),
    "connections-starved": ("not-steady",),
    "payload-bound": ("cpu-bound", "gil-bound"),
    "logging-overhead": ("cpu-bound", "gil-bound"),
    "gil-bound": ("cpu-bound",),
    "cpu-bound": (),
    "generator-bound": ("not-steady",),
}
_PLACE = {code: place for place, code in enumerate(EXPLAINS)}


def roots(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of one variant: each cause once, its consequences named in it.

    A cause explains what shows at a load at which it shows itself; it is then as grave as the
    gravest of these. Each finding has its code's lightest load at which it is about as sure
    as anywhere.
    """
    by_code: dict[Code, list[Finding]] = {}
    for one in found:
        by_code.setdefault(one.code, []).append(one)
    left = {code: _clearest(same) for code, same in by_code.items()}
    loads = {code: {(one.load, one.level) for one in same} for code, same in by_code.items()}
    result: list[Finding] = []
    for code in sorted(left, key=_place):
        root = left.get(code)
        if root is None:
            continue
        follows = [c for c in _closure(code) if c in left and loads[c] & loads[code]]
        severities = [root.severity, *(left[c].severity for c in follows)]
        for consequence in follows:
            del left[consequence]
        gravest = min(severities, key=lambda severity: RANK[severity])
        result.append(replace(root, severity=gravest, consequences=tuple(follows)))
    kept = [one for one in result if one.code in left]
    return tuple(sorted(kept, key=_standing))


def ordered(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings of all variants, the gravest first."""
    return tuple(sorted(found, key=_standing))


def _clearest(same: list[Finding]) -> Finding:
    best = max(one.confidence for one in same)
    clear = [one for one in same if one.confidence >= 0.8 * best]
    return min(clear, key=lambda one: (one.level, RANK[one.severity], -one.confidence, one.summary))


def _closure(code: Code) -> list[Code]:
    """What follows from a code, and from that, nearest first."""
    seen: list[Code] = []
    queue = list(EXPLAINS.get(code, ()))
    while queue:
        one = queue.pop(0)
        if one not in seen and one != code:
            seen.append(one)
            queue += EXPLAINS.get(one, ())
    return seen


def _place(code: Code) -> tuple[int, str]:
    return _PLACE.get(code, len(_PLACE)), code


def _standing(one: Finding) -> tuple[object, ...]:
    return RANK[one.severity], _place(one.code), -one.confidence, one.variant, one.level
