"""Profiles after a run: at a rate that every variant can hold, or none."""

from __future__ import annotations

from syncline.flame import profiled
from syncline.plan import constant_rate
from syncline.search import Measured, Search, only
from syncline.trial import Experiment, sweep
from tests.unit import factories


def asked(*rates_rps: float) -> Experiment | None:
    """What is asked for after a sweep of as many variants, each with its throughput."""
    case = factories.case()
    names = tuple(variant.name for variant in case.variants)[: len(rates_rps)]
    first = sweep(case, names, case.loads[:1])
    search = profiled(only(first), ("cpu", "lock"))
    assert next(search) == first
    measured: Measured = tuple(
        (trial, factories.outcome(factories.load_result(throughput_rps=rate)))
        for trial, rate in zip(first.trials, rates_rps, strict=True)
    )
    wanted = next_or_result(search, measured)
    if isinstance(wanted, Experiment):
        return wanted
    assert wanted == measured, "the search's own result is handed on"
    return None


def next_or_result(search: Search[Measured], answer: Measured) -> Experiment | Measured:
    try:
        return search.send(answer)
    except StopIteration as end:
        result: Measured = end.value
        return result


def test_each_variant_is_profiled_at_half_of_what_the_slowest_bears() -> None:
    wanted = asked(1000.0, 400.0)
    assert wanted is not None
    assert [trial.about for trial in wanted.trials] == ["cpu", "cpu", "lock", "lock"]
    assert {trial.phase for trial in wanted.trials} == {"profile"}
    assert {trial.load.schedule for trial in wanted.trials} == {constant_rate(200)}
    assert len({trial.identity for trial in wanted.trials}) == 4


def test_without_a_rate_that_all_can_hold_nothing_is_profiled() -> None:
    assert asked(1000.0, 0.0) is None
