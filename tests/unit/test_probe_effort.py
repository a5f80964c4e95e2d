"""The CPU of a kind of work: few calls are all timed, of many a stretch stands for others."""

from __future__ import annotations

import functools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from syncline_probe.board import Board
from syncline_probe.effort import Effort
from syncline_probe.recoding import copied

TURN_S = 0.05


class Worker:
    """Something whose method is called; each call is counted as if it cost a millisecond."""

    def work(self) -> None: ...

    def other(self) -> None: ...


def estimated(calls_of_turn: list[int]) -> tuple[float, float]:
    """Calls as the effort has them, and as they were, at the end of the last stretch."""
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    effort, worker = Effort("some"), kind()
    effort.time_method(kind, "work")
    true = 0
    at_the_end = (0.0, 0.0)
    for turn, calls in enumerate(calls_of_turn):
        effort.tick(1000 + turn * TURN_S)
        sample: dict[str, float] = {}
        effort._gauge(sample)
        if effort._counted_s == 1000 + turn * TURN_S:
            at_the_end = (effort._all_calls, float(true))
        for _ in range(calls):
            worker.work()
        true += calls
    return at_the_end


def test_few_calls_are_all_timed() -> None:
    chance = random.Random(1)
    counted, true = estimated([chance.randrange(8) for _ in range(400)])
    assert true > 1000
    assert counted == true


@pytest.mark.parametrize("mean", [20, 30, 200])  # the first is where few become many
def test_of_many_calls_a_stretch_stands_for_the_others_without_a_bias(mean: int) -> None:
    chance = random.Random(mean)
    turns = [max(0, round(chance.gauss(mean, mean**0.5))) for _ in range(4000)]
    counted, true = estimated(turns)
    assert counted == pytest.approx(true, rel=0.03)


def test_a_stretch_lasts_until_it_is_likely_to_have_enough_by_the_one_before() -> None:
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    effort, worker = Effort("some"), kind()
    effort.time_method(kind, "work")
    open_at_beats = []
    for began_s in (1.0, 2.0):
        while not effort.open:
            effort.tick(began_s)
        for beat in range(1, 5):
            for _ in range(90):
                worker.work()
            effort.beat(began_s + 0.02 * beat)
            open_at_beats.append(effort.open)
        effort.tick(began_s + 0.1)  # 360 in a tenth of a second: enough are there after 0.056 s
    assert open_at_beats == [True] * 4 + [True, True, False, False]


def test_a_burst_does_not_end_its_stretch() -> None:
    """Or bursts would be found wherever they are, and stand for more than there are."""
    chance, true = random.Random(5), 0
    effort = Effort("some")
    for beat in range(200_000):
        calls = 400 if chance.random() < 0.1 else 0
        true += calls
        effort.calls += calls * effort.open
        now = 1000 + 0.02 * beat
        if beat % 5:
            effort.beat(now)
        else:
            effort.tick(now)
    assert effort._all_calls == pytest.approx(true, rel=0.1)


def test_few_calls_end_no_stretch_at_a_heartbeat() -> None:
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    effort, worker = Effort("some"), kind()
    effort.time_method(kind, "work")
    effort.tick(1.0)
    for _ in range(250):
        worker.work()
    effort.beat(2.0)  # 250 a second
    assert effort.open
    assert effort._all_calls == 0


def test_heartbeats_are_asked_for_by_a_stretch_of_many_calls_only() -> None:
    board, effort = Board(), Effort("some")
    effort.report(board)
    hasty = []
    for turn in range(40):
        effort.tick(1000 + turn * TURN_S)
        hasty.append((effort.open, board.hasty == {"effort some"}))
        effort.calls += 1 if turn < 20 else 100
    assert (True, False) in hasty[:20], "of few it stays open"
    assert (True, True) not in hasty[:20]
    assert set(hasty[22:]) == {(True, True), (False, False)}


def test_a_library_that_is_imported_while_calls_are_timed_is_timed_at_once() -> None:
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    effort = Effort("some")
    effort.tick(1.0)  # with nothing to count it stays open from now on
    effort.time_method(kind, "work")
    effort.tick(1.05)
    kind().work()
    effort.tick(1.1)
    assert effort._all_calls == 1


def test_threads_that_work_at_once_lose_nothing_of_each_other() -> None:
    class Busy:
        def work(self) -> None:
            sum(range(400_000))  # longer than a thread may keep the interpreter when others wait

    effort = Effort("some")
    effort.time_method(Busy, "work")
    effort.tick(1.0)

    def some() -> float:
        began = time.thread_time()
        for _ in range(8):
            Busy().work()
        return time.thread_time() - began

    with ThreadPoolExecutor(6) as threads:
        took = [one.result() for one in [threads.submit(some) for _ in range(6)]]
    assert effort.calls == 48
    assert effort.cpu_s == pytest.approx(sum(took), rel=0.1)


def test_a_call_within_a_call_is_part_of_it() -> None:
    class Nested(Worker):
        def outer(self) -> None:
            self.work()

    effort = Effort("some")
    effort.time_method(Nested, "work")
    effort.time_method(Nested, "outer")
    effort.tick(1.0)
    Nested().outer()
    effort.tick(1.05)
    assert effort._all_calls == 1


def test_a_method_that_is_not_timed_is_the_class_s_own_with_its_own_code() -> None:
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    method: Any = vars(kind)["work"]
    code = method.__code__
    effort = Effort("some")
    effort.time_method(kind, "work")
    held = kind().work  # taken out while nothing is timed
    effort.tick(1.0)
    assert vars(kind)["work"] is method
    assert method.__code__ is not code
    held()
    kind().work()
    assert effort.calls == 2
    for _ in range(1000):
        held()
    effort.tick(1.05)
    assert method.__code__ is code
    held()
    assert effort.calls == 0


def test_a_function_whose_code_somebody_else_changes_is_left_to_them() -> None:
    kind = type("Kind", (Worker,), {"work": copied(Worker.work)})
    method: Any = vars(kind)["work"]
    effort = Effort("some")
    effort.time_method(kind, "work")
    method.__code__ = theirs = Worker.other.__code__
    effort.tick(1.0)
    assert method.__code__ is theirs


@pytest.mark.parametrize("kind_of_method", ["inherited", "with a cell", "of no code"])
def test_what_has_no_code_of_its_own_to_change_is_timed_as_well(kind_of_method: str) -> None:
    class Base:
        def work(self, *_: Any) -> None: ...

    class Heir(Base):
        if kind_of_method == "with a cell":

            def work(self, *_: Any) -> None:
                super().work()

    if kind_of_method == "of no code":
        Heir.work = functools.partialmethod(Base.work, 1)  # type: ignore[assignment]

    effort = Effort("some")
    effort.time_method(Heir, "work")
    Heir().work()
    assert effort.calls == 0
    effort.tick(1.0)
    Heir().work()
    Base().work()
    assert effort.calls == 1


def test_a_module_s_own_global_is_the_original_while_nothing_is_timed() -> None:
    def work(value: int) -> int:
        return value + 1

    module = SimpleNamespace(work=work)
    effort = Effort("some")
    effort.time_global(module, "work")
    assert module.work is work
    effort.tick(1.0)
    assert module.work is not work
    for _ in range(100):
        assert module.work(1) == 2
    assert effort.calls == 100
    effort.tick(1.05)  # many: the stretch ends
    assert module.work is work


def test_a_global_that_somebody_else_has_changed_is_left_to_them() -> None:
    module = SimpleNamespace(work=len)
    effort = Effort("some")
    effort.time_global(module, "work")
    module.work = max
    effort.tick(1.0)
    assert module.work is max
