"""What threads and tasks stand waiting for, told by the innermost frames of their stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from syncline.flame.whose import owner
from syncline.folded import Folded, Frame, Stack

WaitClass = Literal[
    "pool", "thread", "lock", "queue", "socket", "sleep", "loop", "task", "future", "other", "idle"
]
"""``pool``: a connection of a pool, or leave of a thread limiter; ``thread``: work given to a
thread; ``socket``: an answer from outside; ``loop``: ready, and the event loop has not come to
it; ``task``, ``future``: another task, or a future that nothing better is known of. Two are no
waiting: ``idle``, nothing to do (a loop without events, a worker without work), and ``other``, in
native code, at work or waiting for the GIL, which look alike from within."""

NO_WAITING: frozenset[WaitClass] = frozenset({"idle", "other"})

# The probe ends a task's stack with a frame that says how it stands; see syncline_probe.waiting.
READY, AWAITS = "<ready>", "<awaits "
# Where the innermost line calls something in C that may wait, this is what it calls.
_CALLS: dict[str, WaitClass] = {
    "<get>": "queue",
    "<put>": "queue",
    "<acquire>": "lock",
    "<wait>": "lock",
    "<join>": "idle",
    "<select>": "idle",
    "<sleep>": "sleep",
    "<result>": "future",
    "<accept>": "socket",
    "<recv>": "socket",
    "<recv_into>": "socket",
    "<sendall>": "socket",
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """Holds for a stack of which one of the innermost frames is such a function.

    Attributes:
        file, name: patterns for the end of its path, and for the function's unqualified name.
        depth: among how many of the innermost frames it is looked for.
        leaf: a pattern for the name of the innermost frame, where that matters.
    """

    kind: WaitClass
    file: str
    name: str
    depth: int = 8
    leaf: str = ".*"

    def site(self, stack: Stack) -> int | None:
        """Where in the stack that function is; None if it is not."""
        if not re.fullmatch(self.leaf, stack[-1].name.rpartition(".")[2]):
            return None
        for index in range(len(stack) - 1, max(-1, len(stack) - 1 - self.depth), -1):
            frame = stack[index]
            if re.search(rf"(?:^|/)(?:{self.file})$", frame.file) and re.fullmatch(
                self.name, frame.name.rpartition(".")[2]
            ):
                return index
        return None


# The first that holds counts: what has nothing to do, then what waits for a pool, whatever lock
# or queue the pool is made of, then the plain means of waiting.
_RULES = (
    _Rule("idle", r"selectors\.py", "select", 1),
    _Rule("idle", r"asyncio/(?:base_events|runners)\.py|uvicorn/_compat\.py", r"\w*run\w*", 1),
    _Rule(
        "idle", r"uvicorn/(?:lifespan/on|server)\.py", "main|main_loop", 99, "sleep|get|main_loop"
    ),
    _Rule("idle", r"concurrent/futures/thread\.py", "_worker", 1),
    _Rule("idle", r"anyio/_backends/_asyncio\.py", "run", 3),  # a worker thread's queue.get
    _Rule("idle", r"asgiref/sync\.py|uvloop/\S+\.pyx", r"run\w*", 1),
    _Rule("idle", r"socketserver\.py", r"serve_forever", 3),
    _Rule("idle", r"threading\.py", r"join|_shutdown|_wait_for_tstate_lock", 3),
    _Rule("pool", r"sqlalchemy/pool/\w+\.py", r"_do_get", 8),
    _Rule("pool", r"psycopg_pool/\w+\.py", r"getconn|_getconn_\w+|wait", 8),
    _Rule("pool", r"asyncpg/pool\.py", r"_acquire(?:_impl)?|acquire", 8),
    _Rule("pool", r"httpcore/\S+/connection_pool\.py", r"wait_for_connection", 8),
    _Rule("pool", r"redis/(?:asyncio/)?connection\.py", r"get_connection", 8),
    _Rule("pool", r"anyio/_backends/_asyncio\.py", r"acquire_on_behalf_of", 5),
    # SQLAlchemy's asynchronous pools wait in a queue of asyncio's, straight below their greenlet.
    _Rule("pool", r"sqlalchemy/util/\w*concurrency\w*\.py", r"greenlet_spawn", 3, "get|wait_for"),
    _Rule("thread", r"anyio/_backends/_asyncio\.py", r"run_sync_in_worker_thread", 1),
    _Rule("sleep", r"asyncio/tasks\.py", "sleep", 2),
    _Rule("queue", r"queue\.py|asyncio/queues\.py", "get|put|join", 3),
    _Rule("lock", r"threading\.py", r"acquire|wait|wait_for|__enter__", 3),
    _Rule("lock", r"asyncio/locks\.py", r"acquire|wait|wait_for", 4),
    _Rule("lock", r"anyio/_core/_synchronization\.py", r"acquire\w*|wait", 4),
    _Rule("socket", r"socket\.py|ssl\.py", r"readinto|read|recv\w*|accept|send\w*|do_handshake", 2),
    _Rule("socket", r"asyncio/streams\.py", r"read\w*|_wait_for_data|drain|_drain_helper", 3),
    _Rule("socket", r"asyncpg/(?:protocol/\S+|connection\.py|prepared_stmt\.py)", r".+", 2),
    _Rule("socket", r"psycopg/(?:waiting|connection\w*)\.py", r"wait\w*", 3),
    _Rule("socket", r"pymysql/connections\.py|asyncmy/\S+", r"_read_bytes|_read_packet", 3),
    _Rule("socket", r"urllib3/connection\.py|http/client\.py", r"getresponse|_read_status", 3),
    _Rule("queue", r"multiprocessing/\w+\.py", r"get|recv\w*|wait|poll", 3),
)
# Behind these the thread's wait for work is all that its stack is.
_MEANS = frozenset({"wait", "get", "acquire", "__enter__", "put", "join", "select"})


@dataclass(frozen=True, slots=True)
class Wait:
    """One place at which is waited.

    Attributes:
        kind: what for.
        site: the function that waits.
        caller: the innermost frame of the service's own code that led there, or None.
        seconds: thread-seconds or task-seconds.
        share: of all waiting time; 0 for :data:`NO_WAITING`.
    """

    kind: WaitClass
    site: Frame
    caller: Frame | None
    seconds: float
    share: float


def classified(stack: Stack) -> tuple[WaitClass, Frame]:
    """What a stack waits for, and the function that says so."""
    leaf = stack[-1]
    if leaf.name == READY:
        return "loop", stack[-2] if len(stack) > 1 else leaf
    called = _CALLS.get(leaf.name) if not leaf.file and len(stack) > 1 else None
    if called is not None:
        stack = stack[:-1]
        leaf = stack[-1]
    is_task = leaf.name.startswith(AWAITS) and len(stack) > 1
    bare = stack[:-1] if is_task else stack
    if is_task and len(bare) == 1 and owner(bare[0].file) == "python":
        return "idle", bare[0]  # asyncio's own means, made a task by another one that waits for it
    for rule in _RULES:
        index = rule.site(bare)
        if index is not None and (
            rule.kind != "idle" or rule.leaf != ".*" or _is_idle(bare, index)
        ):
            return rule.kind, bare[index]
    if is_task:
        return "task" if leaf.name.endswith(("Task>", "_GatheringFuture>")) else "future", bare[-1]
    return called or "other", leaf


def _is_idle(stack: Stack, index: int) -> bool:
    """Whether nothing but means of waiting stands between a worker's loop and the end."""
    return all(frame.name.rpartition(".")[2] in _MEANS for frame in stack[index + 1 :])


def waits_only(folded: Folded) -> Folded:
    """The stacks that wait, each up to the function that waits; the others are left out."""
    return Folded.of(_up_to_sites(folded))


def _up_to_sites(folded: Folded) -> Iterator[tuple[Stack, float]]:
    for stack, seconds in folded.stacks():
        kind, site = classified(stack)
        if kind not in NO_WAITING:
            depth = max(index for index, frame in enumerate(stack, 1) if frame == site)
            yield stack[:depth], seconds


def waiting(folded: Folded) -> dict[WaitClass, float]:
    """The seconds by what is waited for, most first."""
    found: dict[WaitClass, float] = {}
    for stack, seconds in folded.stacks():
        kind, _ = classified(stack)
        found[kind] = found.get(kind, 0.0) + seconds
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def sites(folded: Folded) -> tuple[Wait, ...]:
    """Every place at which is waited, the longest first, idle ones last."""
    found: dict[tuple[WaitClass, str, str], float] = {}
    shown: dict[tuple[WaitClass, str, str], tuple[Frame, dict[Frame, float]]] = {}
    for stack, seconds in folded.stacks():
        kind, site = classified(stack)
        key = (kind, site.name, site.file)
        found[key] = found.get(key, 0.0) + seconds
        _, callers = shown.setdefault(key, (site, {}))
        caller = next((one for one in reversed(stack) if owner(one.file) == "yours"), None)
        if caller is not None:
            callers[caller] = callers.get(caller, 0.0) + seconds
    whole = sum(seconds for (kind, *_), seconds in found.items() if kind not in NO_WAITING)
    return tuple(_ordered(found, shown, whole))


def _ordered(
    found: dict[tuple[WaitClass, str, str], float],
    shown: dict[tuple[WaitClass, str, str], tuple[Frame, dict[Frame, float]]],
    whole: float,
) -> Iterator[Wait]:
    for key, seconds in sorted(
        found.items(), key=lambda item: (item[0][0] in NO_WAITING, -item[1])
    ):
        site, callers = shown[key]
        caller = max(callers, key=lambda frame: callers[frame]) if callers else None
        share = seconds / whole if whole and key[0] not in NO_WAITING else 0.0
        yield Wait(key[0], site, caller, seconds, share)
