"""A pool's waits and holds are counted in buckets, at the probe's turns."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import pytest

from syncline_probe import ledger
from syncline_probe.board import Board
from syncline_probe.hooks import sqlalchemy_pools
from syncline_probe.pool import PoolState, Reading
from syncline_probe.pools import PoolFamily, _oldest
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
    waits.settle()
    row: dict[str, Any] = waits.row()
    bounds = [0.0 - 1, *BOUNDS_S, float("inf")]
    expected = [sum(low < one <= high for one in times) for low, high in itertools.pairwise(bounds)]
    assert row["counts"] == expected
    assert waits.count() == len(times)
    assert abs(waits.total_s() - sum(times)) < 1e-6
    assert row["longest_s"] == 500.0


def test_of_times_that_nobody_asks_to_repeat_nothing_is_kept() -> None:
    waits = Waits()
    for _ in range(200):
        for _ in range(100):
            waits.add(0.01)
        waits.settle()
    kept = [getattr(waits, name) for name in waits.__slots__]
    assert max(len(one) for one in kept if isinstance(one, list)) == len(BOUNDS_S) + 1
    assert waits.count() == 20_000


class Pool:
    """Something to be watched."""


def test_who_waits_is_told_from_the_first_on_and_of_how_it_ends_what_is_a_time_out() -> None:
    state = PoolState(Pool(), lambda _: Reading("", 1, 1, 1, 1))
    with state.waiting(TimeoutError):
        began_s = next(iter(state.waiters)).since_s
        for error in (TimeoutError, KeyError):
            with pytest.raises(error), state.waiting((TimeoutError, ValueError)):
                raise error
        with state.waiting(TimeoutError):
            assert len(state.waiters) == 2
            assert state.waiting_since(began_s + 1) == began_s
    assert state.waiting_since(7.0) == 7.0
    state.waits.settle()
    assert (state.waits.count(), state.timeouts) == (4, 1)


def test_a_wait_that_a_fork_has_forgotten_ends_like_another() -> None:
    state = PoolState(Pool(), lambda _: Reading("", 1, 1, 1, 1))
    with state.waiting(TimeoutError):
        state.forget()
        assert not state.waited_long()
    assert not state.waiters


def test_a_pool_that_is_no_longer_told_of_keeps_nothing() -> None:
    """Of many pools, as of a service with one for each of its tenants, the last ones are told."""
    told, pools = PoolFamily(Board(), "pool"), [Pool() for _ in range(70)]
    states = [told.add(PoolState(one, lambda _: Reading("", 1, 1, 1, 1))) for one in pools]
    for state in states:
        for _ in range(10):
            state.taken(1)
            state.given_back(1)
        state.settle(0)
    assert len(told._rows()) < len(states)
    kept = [state.held.count() for state in states]
    assert set(kept) == {0, 10}
    assert kept.count(10) == len(told._rows())
    assert states[0].checkouts == 10


def test_what_was_settled_last_stands_for_what_nobody_timed() -> None:
    waits = Waits()
    for time_s in (0.002, 0.02, 0.02):
        waits.add(time_s)
    waits.settle()
    waits.repeat(1.5)
    waits.repeat(1.5)
    row: dict[str, Any] = waits.row()
    assert [count for count in row["counts"] if count] == [4, 8]
    assert waits.count() == 12
    assert waits.total_s() == pytest.approx(4 * 0.042)
    assert row["longest_s"] == 0.02


class Record:
    """A connection of SQLAlchemy's pool, as far as its state looks at it."""

    def __init__(self) -> None:
        self.fairy_ref: object | None = None
        self._syncline_hold: object | None = None


def test_what_ends_or_begins_while_nobody_watches_is_known_once_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, records = Pool(), [Record() for _ in range(4)]
    state = sqlalchemy_pools._Pool(pool)
    for record in records:
        state.created(record)
    stays, ends, begins, _ = records
    for record in (stays, ends):
        record.fairy_ref = object()
        record._syncline_hold = hold = state.taken(id(record))
        hold.mark = record.fairy_ref
    state.watch(on=False)
    first = ends.fairy_ref
    ends.fairy_ref = object()  # back and out again, for another
    begins.fairy_ref = object()
    assert [hold.mark for hold in state.present()] == [stays.fairy_ref]
    monkeypatch.setattr(sqlalchemy_pools, "_UNKNOWN_S", 0.0)
    now = time.monotonic()
    state.watch(on=True)
    assert first not in [hold.mark for hold in state.present()]
    state.settle(0)
    held = {id(hold.mark): hold for hold in state.present()}
    assert set(held) == {id(one.fairy_ref) for one in (stays, ends, begins)}
    assert held[id(begins.fairy_ref)].since_s >= now
    assert len(state.in_use()) == 3
    counted = state.checkouts
    for record in (stays, ends, begins):
        state.given_back(id(record))
    state.settle(0)
    assert (state.checkouts, state.held.count()) == (counted, 1), "of one both ends were seen"
    assert state.present() == []


def test_what_is_out_in_two_short_stretches_was_so_since_the_first() -> None:
    pool, stays, changes = Pool(), Record(), Record()
    state = sqlalchemy_pools._Pool(pool)
    for record in (stays, changes):
        state.created(record)
    state.watch(on=False)
    stays.fairy_ref, changes.fairy_ref = object(), object()
    state.watch(on=True)
    looked_s = time.monotonic()
    assert state.present() == []
    state.watch(on=False)
    changes.fairy_ref = object()
    state.watch(on=True)
    (hold,) = state.present()
    assert hold.mark is stays.fairy_ref
    assert hold.since_s <= looked_s


def test_check_outs_that_nobody_watched_are_estimated_by_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Pool()  # a state does not keep it
    state = sqlalchemy_pools._Pool(pool)
    for _ in range(10):
        state.taken(1)
        state.given_back(1)
    state.settle(20)
    monkeypatch.setattr(ledger, "count", lambda: 20)
    state.watch(on=False)
    state.settle(30)
    state.settle(60)
    state.settle(60)  # no request, no check-out
    assert state.checkouts_all == pytest.approx(10 + 20)
    assert state.held.count() == 30
    state.taken(1)
    state.given_back(1)  # its hook had begun before it rested
    monkeypatch.setattr(ledger, "count", lambda: 80)
    state.watch(on=True)
    state.settle(80)
    assert state.checkouts_all == pytest.approx(10 + 30)
    assert state.held.count() == 40
    state.watch(on=False)
    state.forget()
    state.settle(5)  # in a fork's child, where requests are counted anew
    assert state.checkouts_all >= 40


def test_of_the_oldest_holds_the_one_whose_place_is_known_is_told() -> None:
    state = PoolState(Pool(), lambda _: Reading("", 1, 1, 1, 1))
    unplaced = state.found(1, 10.0, None)
    placed = state.taken(2)
    placed.since_s, placed.site = 11.0, [(unplaced, 1)]
    assert _oldest(state.present(), 20.0) is placed
    placed.since_s = 19.0
    assert _oldest(state.present(), 20.0) is unplaced
    assert _oldest([], 20.0) is None
