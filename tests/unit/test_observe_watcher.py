"""A watcher keeps what its observers see, on the load's clock, whatever becomes of one of them."""

from __future__ import annotations

import threading
from typing import ClassVar

from syncline.observe.lane import Turn
from syncline.observe.observer import Blind, Observer, Sample, unit_of
from syncline.observe.track import Track, compact
from syncline.observe.watcher import Watched, Watcher
from syncline.outcome import Observation

S = 1_000_000_000
LIMIT_S = 20.0


class Counting(Observer):
    """Counts its samples, and rings when there were enough."""

    name = "counting"
    period_s = 0.01
    units: ClassVar[dict[str, str]] = {"counting.bytes": "bytes", "counting.of.": "ms"}

    def __init__(self, enough: int = 3) -> None:
        self.samples = 0
        self.begun = 0
        self.enough = threading.Event()
        self._wanted = enough

    def begin(self) -> None:
        self.begun += 1

    def sample(self, now: float) -> Sample:
        self.samples += 1
        if self.samples >= self._wanted:
            self.enough.set()
        return {"counting.bytes": self.samples, "counting.seen_total": 100 + self.samples}

    def observations(self) -> tuple[Observation, ...]:
        return (Observation(self.name, "setting", "it counts", data={"monotonic_s": 12.5}),)


class Failing(Counting):
    name = "failing"

    def sample(self, now: float) -> Sample:
        self.samples += 1
        if self.samples == 2:
            raise ValueError("postgresql://me:hunter2@db/x is odd")
        return {"failing.fine": 1.0}


class Sightless(Counting):
    name = "sightless"

    def sample(self, now: float) -> Sample:
        raise Blind("It is dark in here.")


class Hanging(Counting):
    """Its first sample comes back only when it is interrupted."""

    name = "hanging"
    apart = True

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def sample(self, now: float) -> Sample:
        assert self.released.wait(LIMIT_S)
        raise OSError("the line was cut")

    def interrupt(self) -> None:
        self.released.set()


def watched(*observers: Observer, until: threading.Event | None = None) -> Watched:
    watcher = Watcher(observers)
    with watcher:
        if until is not None:
            assert until.wait(LIMIT_S)
    return watcher.watched(0)


def test_there_is_a_sample_before_the_load_and_one_after_it() -> None:
    counting = Counting()
    watcher = Watcher([counting])
    watcher.start()
    before = counting.samples
    watcher.stop()
    assert counting.begun == 1
    assert before >= 1
    assert counting.samples > before
    assert watcher.latest()["counting.bytes"] == counting.samples


def test_series_have_their_units_and_the_cost_is_told() -> None:
    counting = Counting(5)
    seen = watched(counting, until=counting.enough)
    assert seen.series["counting.bytes"].unit == "bytes"
    assert seen.series["watcher.late_ms.counting"].unit == "ms"
    assert len(seen.series["counting.bytes"].value) == counting.samples
    cost = next(one for one in seen.observations if one.kind == "cost")
    assert cost.data["samples"] == counting.samples
    assert [one.at_s for one in seen.observations if one.kind == "setting"] == [12.5]


def test_one_that_fails_is_removed_and_said_once_and_the_others_go_on() -> None:
    failing, counting = Failing(), Counting(20)
    seen = watched(failing, counting, Sightless(), until=counting.enough)
    assert counting.samples >= 20
    assert failing.samples == 2
    notes = [one.text for one in seen.observations if one.kind == "note"]
    assert notes == [
        "It is dark in here.",
        "The observer failing failed and is off: ValueError: postgresql://me:***@db/x is odd",
    ]
    assert [one.observer.name for one in seen.removed] == ["sightless", "failing"]
    assert seen.series["failing.fine"].value == (1,)


def test_one_that_hangs_harms_nobody_and_is_interrupted() -> None:
    hanging, counting = Hanging(), Counting(3)
    watcher = Watcher([hanging, counting])
    for lane in watcher._lanes:
        lane.start()
    assert counting.enough.wait(LIMIT_S)
    for lane in watcher._lanes:
        lane.ask_to_stop()
        lane.join(0.05)
    assert hanging.released.is_set()
    notes = [one.text for one in watcher.watched(0).observations if one.observer == "hanging"]
    assert notes == ["The observer hanging failed and is off: OSError: the line was cut"]


def test_one_that_costs_too_much_is_asked_less_often() -> None:
    class Greedy(Counting):
        name = "greedy"

        def sample(self, now: float) -> Sample:
            sum(range(200_000))
            return super().sample(now)

    greedy = Greedy(6)
    seen = watched(greedy, until=greedy.enough)
    assert "A sample of greedy is costly here" in str(seen.observations)


def test_one_disturbed_sample_does_not_make_an_observer_costly() -> None:
    turn = Turn(Counting(), 0)
    for cost_s in (0.5, 0.0001, 0.0001, 0.5, 0.0001):
        turn.charge(cost_s)
    assert turn.period_ns == 10_000_000
    turn.charge(0.5)
    assert turn.period_ns >= 2 * S


def test_instants_lie_on_a_grid_and_missed_ones_are_counted_not_made_up() -> None:
    turn = Turn(Counting(), 7 * S)  # every 10 ms
    assert turn.plan_next(7 * S + 1_000_000) == 0
    assert turn.due_ns == 7 * S + 10_000_000
    assert turn.plan_next(7 * S + 45_000_000) == 3  # those at 20, 30 and 40 ms
    assert turn.due_ns == 7 * S + 50_000_000


def test_a_counter_begins_at_zero_when_the_load_begins() -> None:
    track = Track()
    for second in range(6):
        track.add(second * S, 100.0 + second)
    series = track.series("1", 3 * S, counter=True)
    assert series is not None
    assert list(series.t_s) == [0, 1, 2]
    assert list(series.value) == [1, 2, 3]  # less the last value from before: 102
    assert track.series("1", 9 * S) is None


def test_a_track_is_bounded_and_only_ever_forgets() -> None:
    track = Track(limit=64)
    for number in range(10_000):
        track.add(number * S, float(number))
    series = track.series("1", 0)
    assert series is not None
    assert 32 <= len(series.value) <= 64
    assert series.value == series.t_s
    steps = {later - sooner for sooner, later in zip(series.t_s, series.t_s[1:], strict=False)}
    assert steps == {256.0}


def test_what_was_not_seen_is_none() -> None:
    track = Track()
    for second, value in enumerate((1.5, None, 2.5)):
        track.add(second * S, value)
    series = track.series("1", 0)
    assert series is not None
    assert series.value == (1.5, None, 2.5)
    assert track.last() == 2.5


def test_values_are_kept_to_five_digits_and_whole_numbers_whole() -> None:
    assert compact(123456789.0) == 123456789
    assert compact(0.0123456789) == 0.012346
    assert compact(-98.76543) == -98.765
    assert compact(0.0) == 0


def test_a_unit_goes_by_the_name_or_by_its_beginning() -> None:
    assert unit_of(Counting.units, "counting.bytes") == "bytes"
    assert unit_of(Counting.units, "counting.of.it") == "ms"
    assert unit_of(Counting.units, "counting.other") == "1"
