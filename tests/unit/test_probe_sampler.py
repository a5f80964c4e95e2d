"""Who takes the probe's turns: a live event loop, else the probe's own thread."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline_probe.board import TICK_S
from syncline_probe.hooks import event_loop
from syncline_probe.sampler import Sampler, _Line

PATIENCE_S = 20.0


class Turns:
    """Counts the turns by the thread that takes them."""

    def __init__(self) -> None:
        self.by: list[int] = []

    def __call__(self, _now: float) -> None:
        self.by.append(threading.get_ident())

    def await_more(self, number: int, *, by_others: bool) -> None:
        """Until so many more were taken by this thread, or by others; no loop runs meanwhile."""
        own, there = threading.get_ident(), len(self.by)
        give_up_s = time.monotonic() + PATIENCE_S
        while sum((one != own) is by_others for one in self.by[there:]) < number:
            assert time.monotonic() < give_up_s, self.by[there:]
            time.sleep(TICK_S / 10)


def alive(sampler: Sampler) -> None:
    """As a loop says it at a heartbeat."""
    now_s = time.monotonic()
    sampler.board.alive(now_s, now_s + event_loop.BEAT_S + TICK_S)


@pytest.fixture
def sampler(tmp_path: Path) -> Iterator[Sampler]:
    one = Sampler(str(tmp_path / "nobody"), "nonce")
    yield one
    one.stop()


@pytest.fixture
def turns(sampler: Sampler) -> Turns:
    found = sampler.board.ticks["turns"] = Turns()
    return found


def test_a_live_loop_takes_the_turns_and_the_thread_none(sampler: Sampler, turns: Turns) -> None:
    own = threading.get_ident()

    async def main() -> float:
        began = time.monotonic()
        while len(turns.by) < 20:
            alive(sampler)
            await asyncio.sleep(event_loop.BEAT_S)
        return time.monotonic() - began

    alive(sampler)
    sampler.start()
    took_s = asyncio.run(main())
    # A heartbeat that this machine delays by 50 ms hands a turn to the thread, as it should.
    assert turns.by.count(own) >= 15, turns.by
    assert took_s >= 0.8 * 20 * TICK_S, "as often as the thread would, and no more"


def test_the_thread_takes_the_turns_while_a_loop_stands_still(
    sampler: Sampler, turns: Turns
) -> None:
    sampler.start()
    turns.await_more(3, by_others=True)  # there is no loop yet

    async def main() -> None:
        alive(sampler)
        turns.await_more(3, by_others=True)  # stands still
        there = len(turns.by)
        give_up_s = time.monotonic() + PATIENCE_S
        while threading.get_ident() not in turns.by[there:]:
            assert time.monotonic() < give_up_s
            alive(sampler)
            await asyncio.sleep(event_loop.BEAT_S)

    asyncio.run(main())
    turns.await_more(3, by_others=True)  # its loop has ended


def test_a_fork_amid_a_loop_s_turn_does_not_wait_for_that_turn(sampler: Sampler) -> None:
    """As a signal's handler may do it: in the loop's thread, between any two of our steps."""
    forked = []

    def tick(_now: float) -> None:
        del sampler.board.ticks["fork"]  # or the child's thread forks at each of its turns
        sampler.pause()
        sampler.restart_in_child()
        forked.append(True)

    sampler.board.ticks["fork"] = tick
    thread = threading.Thread(target=alive, args=(sampler,), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert forked == [True]
    assert not sampler.board.taken_events(), "nothing failed"


def test_what_fails_in_a_loop_s_turn_is_told_and_not_raised_into_the_loop(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> dict[str, object]:
        raise RuntimeError("amid a turn")

    monkeypatch.setattr(sampler.board, "asked", asked)
    alive(sampler)
    (event,) = sampler.board.taken_events()
    assert event["hook"] == "sampler"
    assert event["error"] == "RuntimeError: amid a turn"


def test_amid_two_turns_only_what_waits_for_a_heartbeat_is_asked(sampler: Sampler) -> None:
    asked: list[float] = []
    sampler.board.beats["some"] = asked.append
    alive(sampler)  # takes a turn; the next ones are early
    sampler._due_s += PATIENCE_S
    alive(sampler)
    before = len(asked)
    sampler.board.hasty.add("some")
    alive(sampler)
    assert (before, len(asked)) == (0, 1)


def test_a_loop_that_lives_does_not_set_the_thread_s_timer_at_each_heartbeat(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the thread never wakes up before it would have been thought frozen, or long after."""
    bound_s = event_loop.BEAT_S + TICK_S
    set_to: list[float] = []
    monkeypatch.setattr(sampler._waking, "at", set_to.append)
    for beat in range(100):
        now_s = 1000 + beat * 1.01 * event_loop.BEAT_S
        sampler.board.alive(now_s, now_s + bound_s)
        assert now_s + bound_s <= set_to[-1] <= now_s + bound_s + 1.5 * event_loop.BEAT_S
    assert len(set_to) <= 51
    sampler._asked = b"stacks"
    sampler.board.alive(now_s, now_s + bound_s)
    assert set_to[-1] == now_s, "what was asked for is not put off"


def test_a_line_has_the_numbers_of_its_sample_whichever_came_before() -> None:
    line = _Line()
    often = {"one": 1.0, "per % cent": 2.5}
    samples = [often, often | {"seldom": 3.0}, often, {"one": math.inf, "two": 2.0}, {}]
    samples += [{f"number {number}": float(number)} for number in range(50)] + [often]
    for sample in samples:
        told = json.loads(line.of(7.25, sample))
        assert (told["kind"], told["t_s"]) == ("sample", 7.25)
        assert told["values"] == {k: v for k, v in sample.items() if math.isfinite(v)}
    assert len(line._forms) < 50
