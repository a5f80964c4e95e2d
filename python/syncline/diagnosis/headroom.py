"""What a healthy service would run out of first, and about where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncline.diagnosis import names
from syncline.diagnosis.facts import cpu_cores, database, pools, tokens, usable_sessions
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding

PROCESSORS = "the machine's processors"
_CROWDED = 0.1  # of the machine, by others than service, database and generator
_LOST = 0.001  # of the requests
_NEAR = 0.9  # of a resource that is used up, as far as anyone can tell


@dataclass(frozen=True, slots=True)
class Use:
    """How far a resource is used.

    Attributes:
        share: of what there is.
        observer: who saw it.
    """

    what: str
    share: float
    observer: str


def healthy(views: Sequence[View]) -> Finding | None:
    """Good news about one variant, from the heaviest load that it bore.

    The less could be seen, the less sure it is.
    """
    good = [view for view in views if view.outcome.validity.status == "valid" and view.result.ok]
    if not good or any(_lost(view) for view in views):
        return None
    view = max(good, key=lambda one: (one.level, one.result.throughput_rps, -one.trial.repeat))
    used = sorted(uses(view), key=lambda use: (-use.share, use.what))
    first = used[0] if used else None
    observers = {use.observer for use in used}
    return conclude(
        view,
        "healthy",
        "info",
        f"Nothing stands in the way up to {view.level} connections "
        f"({figure(view.result.throughput_rps)} answers a second). {_limit(view, first)}",
        signs=[
            sign(0.6, "answers", view.result.ok, None),
            *(sign(0.3, use.what, use.share, 1.0, None, use.observer) for use in used),
            sign(0.3, "observers that saw nothing amiss", len(observers), 1) if observers else None,
        ],
    )


def _lost(view: View) -> bool:
    """Whether requests came to nothing, even if nobody can say why."""
    lost = view.result.timed_out + view.result.failed
    return lost > _LOST * (view.result.ok + lost)


def uses(view: View) -> Iterator[Use]:
    """How far each resource that could be seen is used."""
    if (cores := cpu_cores(view)) is not None:
        yield Use("a worker's core", cores, "process")
    if (machine := view.mean(names.MACHINE_CPU)) is not None:
        yield Use(PROCESSORS, machine, "machine")
    for pool in pools(view):
        if pool.limit:
            yield Use("the connection pool", pool.out / pool.limit, "probe")
    taken, total = view.high(names.TOKENS_TAKEN), tokens(view)
    if taken is not None and total:
        yield Use("the thread tokens", taken / total, "probe")
    seen_by, usable = database(view), usable_sessions(view)
    if seen_by is not None and usable:
        sessions = view.high(names.SESSIONS.format(seen_by)) or 0.0
        yield Use("the database's sessions", sessions / usable, seen_by)


def _limit(view: View, first: Use | None) -> str:
    if first is None:
        return "What would give out first was not observed."
    if first.share >= _NEAR:
        others = view.mean(names.OTHERS) or 0.0
        if first.what == PROCESSORS and others >= _CROWDED:
            return (
                f"{_capital(first.what)} are used up, but to {others:.0%} by other programs: on a "
                "machine of its own the service may bear more."
            )
        verb = "are" if first.what.endswith("s") else "is"
        return f"{_capital(first.what)} {verb} used up: more load only waits longer."
    if first.share <= 0:
        return "No resource was used to speak of."
    # Use grows with throughput (utilisation law, U = X·S).
    limit = view.result.throughput_rps / first.share
    return (
        f"First to give out would be {first.what} ({first.share:.0%} used), at about "
        f"{figure(limit)} answers a second."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
