"""The queue between the event loop and the threads is bounded and loses nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from syncline_cases.entities.answers import Answers
from syncline_cases.entities.handover import HandOver
from syncline_cases.entities.operations import Operations
from syncline_cases.entities.request import Request
from syncline_cases.entities.store import Change, Store

GET: Request = (b"GET", b"k", b"")


class Gate:
    """Holds threads until it is opened; knows what came through."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.groups: list[list[bytes]] = []

    def perform(self, requests: Sequence[Request]) -> list[bytes]:
        self.groups.append([key for _, key, _ in requests])
        self.entered.release()
        assert self.open.wait(20)
        return [key for _, key, _ in requests]


def test_a_full_queue_refuses_and_counts_and_what_was_taken_is_done() -> None:
    async def scenario() -> None:
        gate = Gate()
        hand_over = HandOver(asyncio.get_running_loop(), gate.perform, threads=1, queue=2)
        done: list[bytes] = []
        assert hand_over.give(GET, done.append)
        assert gate.entered.acquire(timeout=20)
        assert [hand_over.give(GET, done.append) for _ in range(4)] == [True, True, False, False]
        assert hand_over.refused == 2
        gate.open.set()
        await asyncio.to_thread(hand_over.close)
        await asyncio.sleep(0)
        assert done == [b"k"] * 3

    asyncio.run(scenario())


def test_a_thread_takes_together_what_came_meanwhile() -> None:
    async def scenario() -> None:
        gate = Gate()
        hand_over = HandOver(
            asyncio.get_running_loop(), gate.perform, threads=1, queue=100, together=3
        )
        done: list[bytes] = []
        assert hand_over.give((b"GET", b"0", b""), done.append)
        assert gate.entered.acquire(timeout=20)
        for number in range(1, 6):
            assert hand_over.give((b"GET", b"%d" % number, b""), done.append)
        gate.open.set()
        await asyncio.to_thread(hand_over.close)
        await asyncio.sleep(0)
        assert gate.groups == [[b"0"], [b"1", b"2", b"3"], [b"4", b"5"]]
        assert done == [b"0", b"1", b"2", b"3", b"4", b"5"]

    asyncio.run(scenario())


def test_every_answer_of_many_threads_is_delivered() -> None:
    async def scenario() -> None:
        count = 5000
        hand_over = HandOver(
            asyncio.get_running_loop(),
            lambda requests: [key for _, key, _ in requests],
            threads=4,
            queue=count,
        )
        all_done = asyncio.Event()
        done: list[bytes] = []

        def take(answer: bytes) -> None:
            done.append(answer)
            if len(done) == count:
                all_done.set()

        for number in range(count):
            assert hand_over.give((b"GET", b"%d" % number, b""), take)
        await asyncio.wait_for(all_done.wait(), 20)
        assert sorted(map(int, done)) == list(range(count))
        hand_over.close()

    asyncio.run(scenario())


def _store(
    data: dict[bytes, bytes], write: Callable[[Sequence[Change]], None] | None = None
) -> Store:
    def write_all(changes: Sequence[Change]) -> None:
        for key, value in changes:
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value

    def delete(key: bytes) -> None:
        data.pop(key, None)

    return Store(data.get, data.__setitem__, delete, write or write_all, lambda: None)


REQUESTS: list[Request] = [
    (b"GET", b"old", b""),
    (b"PUT", b"new", b"v"),
    (b"DELETE", b"old", b""),
    (b"GET", b"new", b""),
    (b"GET", b"none", b""),
]


def test_a_group_is_answered_request_by_request_with_one_write() -> None:
    made = Answers()
    writes: list[Sequence[Change]] = []
    answers = Operations(_store({b"old": b"1", b"new": b"0"}, writes.append), made).perform_group(
        REQUESTS
    )
    assert writes == [[(b"new", b"v"), (b"old", None)]]
    assert answers == [
        made.value(b"1"),
        made.created,
        made.accepted,
        made.value(b"0"),
        made.no_entity,
    ]


def test_a_group_whose_write_fails_acknowledges_no_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_changes: Sequence[Change]) -> None:
        raise OSError("no space left")

    made = Answers()
    answers = Operations(_store({b"old": b"1"}, broken), made).perform_group(REQUESTS)
    assert [answer.split(b" ")[1] for answer in answers] == [b"200", b"500", b"500", b"404", b"404"]
    assert "no space left" in caplog.text


def test_a_failing_store_is_a_500_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_key: bytes, _value: bytes) -> None:
        raise OSError("no space left")

    store = Store(lambda _key: None, broken, lambda _key: None, lambda _changes: None, lambda: None)
    assert b" 500 " in Operations(store, Answers()).perform((b"PUT", b"k", b"v"))
    assert "no space left" in caplog.text
