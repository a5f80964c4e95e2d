"""The collector's threshold is higher for what the probe has alive, and else the service's own."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator

import pytest

from syncline_probe import ledger, pools
from syncline_probe.collecting import Allowance


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many requests are inside, without a record and with one."""
    number = [0, 0]
    monkeypatch.setattr(ledger, "number_inside", lambda: tuple(number))
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield number
    gc.set_threshold(*before)


def test_it_is_higher_by_half_as_many_objects_as_there_are(inside: list[int]) -> None:
    allowance, found = Allowance(), []
    for inside[:] in ([0, 0], [12, 0], [3, 3], [0, 0]):
        allowance.tick(1.0)
        found.append(gc.get_threshold())
        assert allowance.own() == 700
    assert found == [(700, 10, 10), (706, 10, 10), (709, 10, 10), (700, 10, 10)]


def test_those_that_wait_for_a_connection_are_not_counted(
    inside: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowance = Allowance()
    inside[0] = 48
    for waiting, threshold in ((33, 707), (50, 700), (0, 724)):  # one may come or go meanwhile
        monkeypatch.setattr(pools, "number_waiting", functools.partial(int, waiting))
        allowance.tick(1.0)
        assert gc.get_threshold()[0] == threshold


def test_of_requests_with_a_record_those_that_wait_are_not_counted_either(
    inside: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowance, found = Allowance(), []
    monkeypatch.setattr(pools, "number_waiting", functools.partial(int, 10))
    for inside[:] in ([0, 14], [4, 14], [20, 14], [0, 3]):
        allowance.tick(1.0)
        found.append(gc.get_threshold()[0] - 700)
    assert found == [4 * 5 // 2, 8 * 5 // 2, (10 + 14 * 5) // 2, 0]


def test_what_the_service_sets_is_its_own_from_then_on(inside: list[int]) -> None:
    allowance = Allowance()
    inside[0] = 10
    allowance.tick(1.0)
    gc.set_threshold(2000, 20, 30)
    for _ in range(3):
        allowance.tick(1.0)
        assert (gc.get_threshold(), allowance.own()) == ((2005, 20, 30), 2000)


def test_a_collector_that_is_off_stays_off(inside: list[int]) -> None:
    allowance = Allowance()
    inside[0] = 5
    allowance.tick(1.0)
    gc.set_threshold(0)
    allowance.tick(1.0)
    assert (gc.get_threshold()[0], allowance.own()) == (0, 0)


def test_a_threshold_that_the_service_has_read_and_sets_again_does_not_grow(
    inside: list[int],
) -> None:
    """As around each piece of work that is not to be collected in."""
    allowance = Allowance()
    for number in range(4, 40, 2):
        inside[0] = number
        allowance.tick(1.0)
        before = gc.get_threshold()
        gc.set_threshold(50_000, 10, 10)
        allowance.tick(1.0)
        gc.set_threshold(*before)
        allowance.tick(1.0)
        assert (gc.get_threshold()[0], allowance.own()) == (700 + number // 2, 700)
