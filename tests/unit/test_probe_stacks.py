"""Where coroutines and threads stand, without one of them being stopped for it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from syncline_probe import requests
from syncline_probe.stacks import await_chain
from syncline_probe.standing import Standing

APP = "/srv/shop/app.py"


def made(file: str, source: str, **given: Any) -> dict[str, Any]:
    """The names that a source defines, as if it were that file's."""
    names = dict(given)
    exec(compile(source, file, "exec"), names)  # noqa: S102 - the file's name is what is tested
    return names


POOL = made(
    "/srv/site-packages/sqlalchemy/pool/impl.py",
    "async def take(future):\n    return await future\n",
)
LOCKS = made(
    "/usr/lib/python3/site-packages/asyncio/locks.py",
    "class Event:\n"
    "    async def wait(self, future):\n"
    "        return await future\n"
    "class Lock:\n"
    "    async def acquire(self, future):\n"
    "        return await future\n",
)
ENDPOINT = "async def endpoint(inner, *given):\n\n    return await inner(*given)\n"


@pytest.fixture
def no_requests() -> Iterator[None]:
    requests.forget()
    yield
    requests.forget()


def test_a_chain_leads_through_all_that_can_be_awaited_to_what_is_waited_for() -> None:
    async def innermost(future: asyncio.Future[None]) -> None:
        await future

    async def each(future: asyncio.Future[None]) -> AsyncIterator[int]:
        await innermost(future)
        yield 1

    class Awaitable:
        def __init__(self, future: asyncio.Future[None]) -> None:
            self.future = future

        def __await__(self) -> Generator[Any, Any, Any]:
            yield from self.all().__await__()

        async def all(self) -> None:
            async for _ in each(self.future):
                pass

    async def outermost(future: asyncio.Future[None]) -> None:
        await Awaitable(future)

    async def main() -> tuple[list[list[object]], str]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        coroutine = outermost(future)
        task = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        found = await_chain(coroutine)
        future.set_result(None)
        await task
        return found

    chain, waits_on = asyncio.run(main())
    names = [str(function).rpartition(".")[2] for _, _, function in chain]
    assert names == ["outermost", "__await__", "all", "each", "innermost"]
    assert waits_on == "_asyncio.Future"
    first = innermost.__code__.co_firstlineno
    assert [line for _, line, _ in chain[-1:]] == [first + 1]


def test_a_chain_of_one_that_has_ended_has_no_line_and_waits_for_nothing() -> None:
    async def ended() -> None:
        return

    coroutine = ended()
    with pytest.raises(StopIteration):
        coroutine.send(None)
    chain, waits_on = await_chain(coroutine)
    assert [place[1] for place in chain] == [ended.__code__.co_firstlineno]
    assert waits_on == "builtins.coroutine"


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (lambda future: POOL["take"](future), "pool"),
        (lambda future: LOCKS["Lock"]().acquire(future), "lock"),
        (lambda future: LOCKS["Event"]().wait(future), "event"),
        (lambda future: future, "other"),
    ],
    ids=["pool", "lock", "event", "other"],
)
@pytest.mark.usefixtures("no_requests")
def test_a_request_stands_at_a_line_of_the_service_s_own_and_waits_for_something(
    inner: Callable[[Any], Any], what: str
) -> None:
    endpoint = made(APP, ENDPOINT)["endpoint"]

    async def main() -> list[dict[str, Any]]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks = []
        for _ in range(40):
            request = requests.begin("GET", "/")
            request.inner = coroutine = endpoint(inner, future)
            tasks.append(asyncio.ensure_future(coroutine))
        await asyncio.sleep(0)
        standing = Standing()
        standing.tick(1.0)
        future.set_result(None)
        await asyncio.gather(*tasks)
        return standing.rows()

    rows = asyncio.run(main())
    assert rows[0] == {"standing": "looks", "count": 1}
    (row,) = (row for row in rows[1:] if row["place"][0] == APP)
    assert row["what"] == what
    assert row["place"] == [APP, 3, "endpoint"]
    assert row["count"] == 40, "those that were not looked at are stood for"


@pytest.mark.usefixtures("no_requests")
def test_the_first_looks_after_a_rest_are_dense_and_the_others_cheap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look takes 1/1024 s here: after the first eight, four a second become one in two."""
    clock = itertools.count()
    monkeypatch.setattr("syncline_probe.standing.time.thread_time", lambda: next(clock) / 1024)
    standing, looked = Standing(), []
    for turn in range(400):  # sixteen a second
        if turn in (0, 200):
            requests.forget()
        elif turn in (1, 201):
            requests.begin("GET", "/")
        looks = standing.rows()[0]["count"]
        standing.tick(turn / 16)
        if standing.rows()[0]["count"] != looks:
            looked.append(turn)
    then = [one for one in looked if one > 200]
    assert looked[: -len(then)] == [*range(1, 32, 4), *range(33, 200, 32)]
    assert {b - a for a, b in itertools.pairwise(then[:9])} == {4}
    assert {b - a for a, b in itertools.pairwise(then[8:])} == {32}


@pytest.mark.usefixtures("no_requests")
@pytest.mark.parametrize("of_threading", [True, False])
def test_a_thread_stands_at_a_line_of_the_service_s_own(*, of_threading: bool) -> None:
    """Also one that :mod:`threading` does not know, as an extension may start it."""
    import _thread

    held, ended = threading.Lock(), threading.Event()
    source = "def work():\n    with held:\n        pass\n    ended.set()\n"
    work = made(APP, source, held=held, ended=ended)["work"]
    requests.begin("GET", "/")  # looks are taken while one is inside
    with held:
        if of_threading:
            threading.Thread(target=work, daemon=True).start()
        else:
            _thread.start_new_thread(work, ())
        rows: list[dict[str, Any]] = []
        give_up_s = time.monotonic() + 20
        # A thread is on its way into the lock before it stands in it.
        while not rows or (of_threading and rows[0]["what"] != "lock"):
            assert time.monotonic() < give_up_s, rows
            standing = Standing()
            standing.tick(time.monotonic())
            found: list[dict[str, Any]] = standing.rows()[1:]
            rows = [row for row in found if row["place"][:2] == [APP, 2]]
    assert ended.wait(20)
    assert [(row["place"], row["count"]) for row in rows] == [([APP, 2, "work"], 1)]
    if of_threading:
        assert rows[0]["what"] == "lock"
