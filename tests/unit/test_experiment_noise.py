"""Noise, rest and cores: what an experiment does about the machine that all share."""

from __future__ import annotations

import pytest

from syncline.codec import from_json, to_json
from syncline.experiment.cooling import cool_down
from syncline.experiment.environment import describe_environment
from syncline.experiment.noise import loop_spread, measure_noise
from syncline.experiment.placing import place
from syncline.observe import others_share
from syncline.outcome import Series
from syncline.record import Environment


def test_noise_is_measured_and_goes_to_json_and_back() -> None:
    noise = measure_noise(0.05)
    for share in (noise.others_share, noise.steal_share):
        assert share is None or 0 <= share <= 1
    assert noise.loop_spread is not None
    assert noise.loop_spread >= 0
    environment = describe_environment(placing="Not bound.", noise=False)
    assert environment.noise is None
    assert from_json(Environment, to_json(environment)) == environment


def test_laps_that_were_disturbed_spread() -> None:
    assert loop_spread([1.0, 1.0, 1.02]) == pytest.approx(0.0)
    assert loop_spread([1.0, 1.5, 1.6]) == pytest.approx(0.5)
    assert loop_spread([]) is None


class Machine:
    """A clock, and services that work for some seconds more."""

    def __init__(self, busy_s: float) -> None:
        self.now_s, self.busy_s = 0.0, busy_s

    def clock(self) -> float:
        return self.now_s

    def sleep(self, length_s: float) -> None:
        self.now_s += length_s

    def used_s(self) -> float:
        return min(self.now_s, self.busy_s)


@pytest.mark.parametrize(("busy_s", "least_s", "most_s"), [(0, 0, 0.15), (0.5, 0.5, 0.8)])
def test_a_trial_waits_until_the_one_before_is_at_rest(
    busy_s: float, least_s: float, most_s: float
) -> None:
    machine = Machine(busy_s)
    took_s = cool_down(machine.used_s, clock=machine.clock, sleep=machine.sleep)
    assert least_s <= took_s <= most_s


def test_services_that_never_rest_are_not_waited_for_long() -> None:
    machine = Machine(1e9)
    assert cool_down(machine.used_s, clock=machine.clock, sleep=machine.sleep) < 2.2


def test_where_there_are_cores_each_has_its_own() -> None:
    four, many = place(range(4), database=True), place(range(8, 24), database=False)
    assert (four.generator, four.service, four.database) == ((0,), (1, 2), (3,))
    assert four.words == "Bound to cores: generator 0, service 1, 2, database 3."
    assert many.words == "Bound to cores: generator 8–11, service 12–23."
    for placing in (four, many):
        bound = (*placing.generator, *placing.service, *placing.database)
        assert len(bound) == len(set(bound))


def test_where_there_are_few_cores_it_is_said_that_they_are_shared() -> None:
    two = place((0, 1), database=True)
    assert (two.generator, two.service, two.database) == ((), (), ())
    assert "there are 2, and it takes 4" in two.words
    assert "as asked" in place(range(8), database=True, wanted=False).words


def series(*values: float | None) -> Series:
    return Series("share", tuple(float(at) for at in range(len(values))), values)


def test_what_is_neither_ours_nor_idle_is_others() -> None:
    seen = {
        "machine.cpu_share": series(0.5, 0.9, 0.9, None),
        "machine.syncline_cores": series(0.2, 0.2, 0.2, 0.2),
        "process.cpu_cores": series(0.6, 0.6, 0.6, 0.6),
        "postgres.cpu_cores": series(0.4, 0.4, 0.4, 0.4),
    }
    assert others_share(seen, cores=2)["machine.others_share"].value == (0.0, 0.3, 0.3, None)


def test_of_a_service_that_is_not_ours_nothing_is_said() -> None:
    assert others_share({"machine.cpu_share": series(0.5)}, cores=2) == {}
