"""All rules, asked of all trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline.diagnosis import (
    cache,
    connections,
    database,
    deadlock,
    loop,
    memory,
    pool,
    service,
    statements,
    threads,
    validity,
)
from syncline.diagnosis.headroom import healthy
from syncline.diagnosis.order import ordered, roots
from syncline.diagnosis.view import View
from syncline.finding import Finding
from syncline.outcome import Outcome
from syncline.trial import Trial

_RULES: tuple[Callable[[View], Finding | None], ...] = (
    deadlock.pool_deadlock,
    pool.pool_exhausted,
    pool.pool_unfair,
    pool.connection_leak,
    pool.held_in_transaction,
    database.connection_budget,
    database.overflow_churn,
    database.database_bound,
    loop.loop_blocked,
    threads.thread_pool_saturated,
    threads.convoy,
    threads.one_lock,
    threads.cpu_bound,
    threads.lock_contention,
    statements.n_plus_one,
    statements.held_upstream,
    statements.payload_bound,
    statements.logging_overhead,
    cache.cache_ineffective,
    cache.cache_stampede,
    memory.memory_growth,
    memory.descriptor_leak,
    connections.connections_starved,
    connections.accept_queue_full,
    connections.keep_alive_off,
    service.errors_dominate,
    service.hang,
    service.crash,
    validity.generator_bound,
    validity.held_up,
    validity.not_steady,
    validity.stolen,
)
_RULES_SIDE_BY_SIDE = (threads.slower_with_threads, validity.scattered)


def diagnose(outcomes: Sequence[tuple[Trial, Outcome]]) -> tuple[Finding, ...]:
    """The findings of a run, the gravest first; of each variant its root before the rest.

    The order of the trials makes no difference. A variant of which nothing worse than an
    ``info`` is known has a finding ``healthy`` beside it; one without a valid answer has none.
    A trial in which no load was run says nothing.
    """
    views = sorted(
        (
            View(trial, outcome, outcome.result)
            for trial, outcome in outcomes
            if outcome.result is not None
        ),
        key=lambda view: (view.variant, view.level, view.trial.load.name, view.trial.identity),
    )
    found = [one for view in views for rule in _RULES if (one := rule(view)) is not None]
    found += [one for rule in _RULES_SIDE_BY_SIDE for one in rule(views)]
    result: list[Finding] = []
    for variant in dict.fromkeys(view.variant for view in views):
        causes = roots(one for one in found if one.variant == variant)
        result += causes
        if all(one.severity == "info" for one in causes):
            good = healthy([view for view in views if view.variant == variant])
            result += [good] if good is not None else []
    return ordered(result)
