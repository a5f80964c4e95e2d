"""What a stack waits for, by its innermost frames."""

from __future__ import annotations

import pytest

from syncline.flame import classified, reading, sites, waiting, waits_only
from syncline.folded import Folded, Frame, Profile, ProfileKind, Stack

SITE = "/venv/lib/python3.12/site-packages/"
STD = "/usr/lib/python3.12/"
MINE = Frame("read_users", "/srv/app.py", 34)


def std(name: str, file: str) -> Frame:
    return Frame(name, STD + file, 1)


def lib(name: str, file: str) -> Frame:
    return Frame(name, SITE + file, 1)


BOOT = (std("Thread._bootstrap", "threading.py"), std("Thread.run", "threading.py"))
WAIT = std("Condition.wait", "threading.py")
GET = std("Queue.get", "queue.py")
WORKER = lib("WorkerThread.run", "anyio/_backends/_asyncio.py")
POOL = lib("QueuePool._do_get", "sqlalchemy/pool/impl.py")
FUTURE = Frame("<awaits Future>")


@pytest.mark.parametrize(
    ("stack", "kind", "site"),
    [
        (
            (*BOOT, MINE, POOL, lib("Queue.get", "sqlalchemy/util/queue.py"), WAIT),
            "pool",
            POOL.name,
        ),
        ((*BOOT, WORKER, GET, WAIT), "idle", WORKER.name),
        ((*BOOT, WORKER, MINE, GET, WAIT), "queue", GET.name),
        ((*BOOT, std("_worker", "concurrent/futures/thread.py")), "idle", "_worker"),
        ((*BOOT, MINE, WAIT), "lock", WAIT.name),
        ((*BOOT, MINE, Frame("<acquire>")), "lock", MINE.name),
        ((*BOOT, MINE, Frame("<get>")), "queue", MINE.name),
        ((*BOOT, MINE), "other", MINE.name),
        ((*BOOT, MINE, std("SocketIO.readinto", "socket.py")), "socket", "SocketIO.readinto"),
        ((MINE, lib("Connection.wait", "psycopg/connection.py")), "socket", "Connection.wait"),
        ((MINE, std("EpollSelector.select", "selectors.py")), "idle", "EpollSelector.select"),
        ((std("Runner.run", "asyncio/runners.py"),), "idle", "Runner.run"),
        ((MINE, std("sleep", "asyncio/tasks.py"), FUTURE), "sleep", "sleep"),
        ((MINE, std("Lock.acquire", "asyncio/locks.py"), FUTURE), "lock", "Lock.acquire"),
        ((MINE, std("Queue.get", "asyncio/queues.py"), FUTURE), "queue", "Queue.get"),
        ((std("Queue.get", "asyncio/queues.py"), FUTURE), "idle", "Queue.get"),
        (
            (
                MINE,
                lib("greenlet_spawn", "sqlalchemy/util/concurrency.py"),
                std("wait_for", "asyncio/tasks.py"),
                FUTURE,
            ),
            "pool",
            "greenlet_spawn",
        ),
        (
            (
                MINE,
                lib("AsyncIOBackend.run_sync_in_worker_thread", "anyio/_backends/_asyncio.py"),
                FUTURE,
            ),
            "thread",
            "AsyncIOBackend.run_sync_in_worker_thread",
        ),
        ((MINE, FUTURE), "future", MINE.name),
        ((MINE, Frame("<awaits Task>")), "task", MINE.name),
        ((MINE, Frame("<ready>")), "loop", MINE.name),
        (
            (
                lib("Server.main_loop", "uvicorn/server.py"),
                std("sleep", "asyncio/tasks.py"),
                FUTURE,
            ),
            "idle",
            "Server.main_loop",
        ),
    ],
)
def test_what_a_stack_waits_for(stack: Stack, kind: str, site: str) -> None:
    found, where = classified(stack)
    assert (found, where.name) == (kind, site)


def mixed() -> Folded:
    return Folded.of(
        {
            (*BOOT, MINE, POOL, WAIT): 9.0,
            (*BOOT, MINE, WAIT): 1.0,
            (*BOOT, WORKER, GET, WAIT): 50.0,
            (*BOOT, MINE): 2.0,
        }
    )


def test_shares_are_of_what_waits_and_neither_of_idle_nor_of_work() -> None:
    assert waiting(mixed()) == {"idle": 50.0, "pool": 9.0, "other": 2.0, "lock": 1.0}
    found = sites(mixed())
    assert [(wait.kind, wait.share) for wait in found[:2]] == [("pool", 0.9), ("lock", 0.1)]
    assert found[0].caller == MINE
    assert {wait.kind for wait in found[2:]} == {"idle", "other"}
    assert {wait.share for wait in found[2:]} == {0.0}


def test_only_the_waits_are_left_each_up_to_its_site() -> None:
    assert dict(waits_only(mixed()).stacks()) == {
        (*BOOT, MINE, POOL): 9.0,
        (*BOOT, MINE, WAIT): 1.0,
    }


@pytest.mark.parametrize(("kind", "who"), [("lock", "threads"), ("await", "tasks")])
def test_the_reading_names_the_first_place_and_who_led_there(kind: ProfileKind, who: str) -> None:
    text = reading(Profile(kind, "wait_s", mixed(), duration_s=2.0, requests=0))
    assert f"90% of the {who}' waiting time is in QueuePool._do_get" in text
    assert "from read_users (srv/app.py:34)" in text
    assert f"5.0 {who} waited on the mean" in text
    idle = Folded.of({(*BOOT, WORKER, GET, WAIT): 50.0})
    assert "waited for anything but work" in reading(Profile(kind, "wait_s", idle, 2.0, 0))
