"""A pool's waits and holds are counted in buckets, at the probe's turns."""

from __future__ import annotations

import itertools
import random
from typing import Any

from syncline_probe.board import Board
from syncline_probe.pools import PoolFamily, PoolState, Reading
from syncline_probe.waits import BOUNDS_S, Waits


def test_each_time_is_in_the_first_bucket_whose_bound_it_does_not_exceed() -> None:
    waits = Waits()
    chance = random.Random(1)
    times = [*BOUNDS_S, 0.0, 31.0, 500.0, *(chance.expovariate(20) for _ in range(1000))]
    chance.shuffle(times)
    for at, time_s in enumerate(times):
        waits.add(time_s)
        if at % 7 == 0:
            waits.settle()
    row: dict[str, Any] = waits.row()
    bounds = [0.0 - 1, *BOUNDS_S, float("inf")]
    expected = [sum(low < one <= high for one in times) for low, high in itertools.pairwise(bounds)]
    assert row["counts"] == expected
    assert waits.count() == len(times)
    assert abs(waits.total_s() - sum(times)) < 1e-6
    assert row["longest_s"] == 500.0


class Pool:
    """Something to be watched."""


def test_a_pool_that_is_no_longer_told_of_keeps_nothing() -> None:
    """Of many pools, as of a service with one for each of its tenants, the last ones are told."""
    told, pools = PoolFamily(Board(), "pool"), [Pool() for _ in range(70)]
    states = [told.add(PoolState(one, lambda _: Reading("", 1, 1, 1, 1))) for one in pools]
    for state in states:
        for _ in range(10):
            state.taken(1)
            state.given_back(1)
    assert len(told._rows()) < len(states)
    kept = [state.held.count() for state in states]
    assert set(kept) == {0, 10}
    assert kept.count(10) == len(told._rows())
    assert states[0].checkouts == 10
