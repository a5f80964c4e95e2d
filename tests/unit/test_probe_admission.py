"""The gate before an application: never more inside than the bound, in order, no place lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncline_probe.board import Board
from syncline_probe.impose import admission
from syncline_probe.impose.asked import Asked

HTTP = {"type": "http"}


@pytest.fixture(autouse=True)
def no_gate_afterwards() -> Iterator[None]:
    yield
    admission._gate = admission._asked = None


def behind_a_gate(limit: int) -> tuple[Asked, Callable[[], dict[str, float]]]:
    board, asked = Board(), Asked({"admission": str(limit)})
    admission.install(board, asked, None)

    def sample() -> dict[str, float]:
        values: dict[str, float] = {}
        board.gauges["admission"](values)
        return values

    return asked, sample


class App:
    """An ASGI application whose requests stay inside until they are let go, one by one."""

    def __init__(self) -> None:
        self.inside: list[int] = []
        self.came: list[int] = []
        self.most = 0
        self.let_go = asyncio.Semaphore(0)

    async def __call__(self, scope: Any, _receive: Any, _send: Any) -> None:
        self.came.append(scope.get("number", 0))
        self.inside.append(scope.get("number", 0))
        self.most = max(self.most, len(self.inside))
        try:
            await self.let_go.acquire()
        finally:
            self.inside.remove(scope.get("number", 0))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_without_the_what_if_an_application_is_given_back_as_it_is() -> None:
    async def asgi(_scope: Any, _receive: Any, _send: Any) -> None: ...

    assert admission.held_asgi(asgi) is asgi
    assert admission.held_wsgi(len) is len


def test_requests_beyond_the_bound_wait_and_go_in_in_their_order() -> None:
    async def main() -> None:
        asked, sample = behind_a_gate(2)
        app = App()
        held = admission.held_asgi(app.__call__)
        tasks = [asyncio.create_task(held({**HTTP, "number": n}, 0, 0)) for n in range(6)]
        await settled()
        assert app.came == [0, 1]
        seen = sample()
        assert (seen["admission_inside"], seen["admission_waiting"]) == (2, 4)
        assert asked.rows()["admission"]["imposed"] is True  # type: ignore[index]
        for _ in tasks:
            app.let_go.release()
        await asyncio.gather(*tasks)
        assert app.came == list(range(6))
        assert app.most == 2
        seen = sample()
        assert (seen["admission_inside"], seen["admission_waiting"]) == (0, 0)
        assert seen["admission_waits_total"] == 4

    asyncio.run(main())


def test_who_goes_away_while_waiting_leaves_no_place_behind() -> None:
    async def main() -> None:
        _, sample = behind_a_gate(1)
        app = App()
        held = admission.held_asgi(app.__call__)
        tasks = [asyncio.create_task(held({**HTTP, "number": n}, 0, 0)) for n in range(4)]
        await settled()
        tasks[1].cancel()
        await settled()
        # Handed the place and cancelled in one turn of the loop: the place must go on.
        app.let_go.release()
        tasks[0].add_done_callback(lambda _: tasks[2].cancel())
        await settled()
        assert app.came[-1] == 3
        app.let_go.release()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (sample()["admission_inside"], sample()["admission_waiting"]) == (0, 0)

    asyncio.run(main())


def test_an_application_that_fails_gives_its_place_back() -> None:
    async def main() -> None:
        _, sample = behind_a_gate(1)

        async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
            raise KeyError

        for _ in range(3):
            with pytest.raises(KeyError):
                await admission.held_asgi(fails)(dict(HTTP), 0, 0)
        assert sample()["admission_inside"] == 0

    asyncio.run(main())


def test_lifespan_websockets_and_mounted_applications_pass() -> None:
    async def main() -> None:
        _, sample = behind_a_gate(1)
        seen: list[float] = []

        async def inner(_scope: Any, _receive: Any, _send: Any) -> None:
            seen.append(sample()["admission_inside"])

        async def outer(scope: Any, receive: Any, send: Any) -> None:
            await admission.held_asgi(inner)(scope, receive, send)

        held = admission.held_asgi(outer)
        for kind in ("lifespan", "websocket", "http"):
            await asyncio.wait_for(held({"type": kind}, 0, 0), 10)
        assert seen == [0, 0, 1]

    asyncio.run(main())


def test_a_wsgi_request_is_inside_until_its_body_is_closed() -> None:
    _, sample = behind_a_gate(1)

    def streams(_environ: Any, _start: Any) -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    held = admission.held_wsgi(streams)
    body = held({}, None)
    assert next(body) == b"a"
    assert sample()["admission_inside"] == 1
    second: list[Any] = []
    thread = threading.Thread(target=lambda: second.append(list(held({}, None))))
    thread.start()
    while sample()["admission_waiting"] < 1:
        assert thread.is_alive()
    body.close()
    body.close()
    thread.join(10)
    assert second == [[b"a", b"b"]]
    assert sample()["admission_inside"] == 0


def test_threads_never_are_inside_in_greater_number_than_the_bound() -> None:
    _, sample = behind_a_gate(3)
    inside, most, lock = 0, 0, threading.Lock()

    def app(_environ: Any, _start: Any) -> list[bytes]:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        with lock:
            inside -= 1
        return [b""]

    held = admission.held_wsgi(app)

    def client() -> None:
        for _ in range(200):
            held({}, None)

    threads = [threading.Thread(target=client) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 3
    assert (sample()["admission_inside"], sample()["admission_waiting"]) == (0, 0)


def test_a_forked_child_starts_with_an_empty_gate() -> None:
    _, sample = behind_a_gate(1)
    gate = admission._gate
    assert gate is not None
    assert gate.enter()
    admission.after_fork()
    assert sample()["admission_inside"] == 0
