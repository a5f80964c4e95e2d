"""What ``syncline profile`` takes from its command line, before anything is started."""

from __future__ import annotations

import pytest

import syncline_cases
from syncline.cli.profile import profiling, steady_load
from syncline.errors import UsageError
from syncline.plan import OpenLoop


def test_profiles_are_taken_at_one_rate_with_a_warm_up() -> None:
    users = syncline_cases.load_case("users")
    load = steady_load(users, 200.0, None, 8.0)
    assert isinstance(load.schedule, OpenLoop)
    assert [phase.from_rps for phase in load.schedule.phases] == [200.0]
    assert (load.connections, load.duration_s, load.warmup_s) == (32, 8.0, 1.0)


@pytest.mark.parametrize(
    ("rate", "duration_s", "says"),
    [
        (None, 8.0, "users has no rate of its own"),
        (0.0, 8.0, "--rate must be above 0"),
        (200.0, 2.9, "too short for a profile"),
    ],
)
def test_a_load_that_makes_no_profile_is_refused(
    rate: float | None, duration_s: float, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        steady_load(syncline_cases.load_case("users"), rate, None, duration_s)


def test_each_profile_is_a_trial_of_its_own_of_each_variant() -> None:
    users = syncline_cases.load_case("users")
    load = steady_load(users, 200.0, 40, 8.0)
    trials = profiling(users, ("sync", "async"), load, ["cpu", "lock"]).trials
    assert [(one.variant.name, one.about) for one in trials] == [
        ("sync", "cpu"),
        ("async", "cpu"),
        ("sync", "lock"),
        ("async", "lock"),
    ]
    assert {one.phase for one in trials} == {"profile"}
