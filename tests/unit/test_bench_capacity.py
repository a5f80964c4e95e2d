"""The estimate that the capacities found are held against."""

from __future__ import annotations

import pytest
from benchmarks.capacity import centre, spearman_karber

from syncline.capacity import Step, Verdict


def steps(*windows: tuple[float, Verdict]) -> list[Step]:
    return [Step(rate, verdict, "", None, ()) for rate, verdict in windows]


def wall(at: float) -> list[Step]:
    return steps(*((rate, "met" if rate < at else "missed") for rate in range(60, 141, 4)))


def test_a_wall_is_found_between_the_rates_beside_it() -> None:
    assert spearman_karber(wall(100)) == pytest.approx(98)


def test_a_border_is_found_where_half_of_the_windows_are_met() -> None:
    shares = {80.0: 4, 90.0: 3, 100.0: 2, 110.0: 1, 120.0: 0}
    found = spearman_karber(
        steps(*((r, "met" if n < met else "missed") for r, met in shares.items() for n in range(4)))
    )
    assert found == pytest.approx(100)


def test_a_window_that_the_machine_spoilt_moves_it_little() -> None:
    # With it the first shares are six of seven, which is within the fifth that is left out.
    assert spearman_karber([*wall(100), *steps((64, "missed"))]) == pytest.approx(98, abs=1)
    assert spearman_karber([*wall(100), *steps((64, "unknown"))]) == pytest.approx(98)


@pytest.mark.parametrize("at", [50, 150])
def test_rates_that_do_not_reach_across_tell_nothing(at: float) -> None:
    assert spearman_karber(wall(at)) is None
    assert spearman_karber([]) is None


@pytest.mark.parametrize(("at", "around"), [(64, 0.64), (96, 1.0), (138, 1.36)])
def test_a_half_that_was_off_moves_the_other_to_where_it_saw_the_border(
    at: float, around: float
) -> None:
    assert centre(wall(at)) == pytest.approx(around, abs=0.02)
    assert centre(steps((100, "unknown"))) == 1
