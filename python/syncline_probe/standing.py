"""Where requests stand: a few looks a second at what their threads and tasks wait for.

Waiting is what looks see truly: work they do not, since they come when the interpreter's lock is
given away, or the loop is at rest (see :mod:`.effort`). Each look takes the requests that are
inside, at most sixteen of them, and the threads that work for some: those with the service's own
code on their stack.
"""

from __future__ import annotations

import functools
import platform
import sys
import threading
import time
from typing import Any

from syncline_probe import ledger
from syncline_probe.stacks import (
    Place,
    Step,
    await_steps,
    is_application,
    line_in,
    place,
    steps_to_application,
)

_EVERY_S = 0.25
_REQUESTS = 16  # of one look
_THREADS = 64
_ROWS = 60
# Of a core, that looks may take: the first ones after a rest, that a short load has enough of
# them, and the others.
_FIRST = 8
_FIRST_SHARE, _SHARE = 0.004, 0.0005
_SELDOM_S = 4.0  # at most, to the next: a garbage collection amid a look is not the look's

# What a request waits for, by the file of a frame between it and the service's own code.
_KINDS = (
    (("sqlalchemy/pool/", "sqlalchemy/util/queue", "psycopg_pool/", "asyncpg/pool"), "pool"),
    (("/httpcore", "/httpx", "/urllib3/", "/aiohttp/client", "/http/client.py"), "upstream"),
    (("/psycopg", "/asyncpg/", "/pymysql/", "/asyncmy/", "sqlalchemy/"), "statement"),
    (("/redis/", "/valkey/"), "cache"),
    (("/asyncio/locks.py", "/anyio/_core/_synchronization.py", "/threading.py"), "lock"),
)
_FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine(), "")


class Standing:
    """Counts, for each place in the service's own code, how often requests stood in it.

    Attributes of a row: ``what`` is waited for, ``place`` in the service's code, ``count`` of
    requests that stood there over all looks. The row ``looks`` says how many looks there were.
    """

    def __init__(self) -> None:
        self._next_s = 0.0
        self._first = _FIRST
        self._looks = 0
        self._counts: dict[tuple[str, str], float] = {}
        self._places: dict[tuple[str, str], Place] = {}

    def tick(self, now: float) -> None:
        """Called at each turn of the sampler."""
        if not ledger.any_inside():
            self._first = _FIRST
            return
        if now < self._next_s:
            return
        began = time.thread_time()
        self._looks += 1
        self._look()
        took_s = time.thread_time() - began
        share = _FIRST_SHARE if self._first else _SHARE
        self._first = max(0, self._first - 1)
        self._next_s = now + min(max(_EVERY_S, took_s / share), _SELDOM_S)

    def rows(self) -> list[dict[str, object]]:
        """One row a place, those with most requests first; the number of looks before them."""
        ranked = sorted(self._counts.items(), key=lambda item: -item[1])
        found: list[dict[str, object]] = [{"standing": "looks", "count": self._looks}]
        for key, count in ranked:
            what, where = key
            row = {"what": what, "place": self._places[key], "count": round(count, 1)}
            found.append({"standing": f"{what} {where}", **row})
        return found

    def forget(self) -> None:
        """In a fork's child."""
        self._looks = 0
        self._counts.clear()
        self._places.clear()

    def _look(self) -> None:
        live = [one for one in ledger.live() if one.inner is not None]
        some = live[:: max(1, len(live) // _REQUESTS)]
        for request in some:
            steps, _ = await_steps(request.inner)
            steps.reverse()
            self._add(steps, len(live) / len(some), thread=None)
        own = threading.get_ident()
        names = dict(list(threading._active.items()))  # type: ignore[attr-defined]
        for ident, frame in list(sys._current_frames().items())[:_THREADS]:
            if ident != own:
                self._add(steps_to_application(frame), 1, thread=names.get(ident))

    def _add(self, steps: list[Step], weight: float, thread: Any) -> None:
        """Counts where somebody stands, the innermost frame first."""
        files = (code.co_filename for code, _ in steps)
        at = next((at for at, file in enumerate(files) if is_application(file)), None)
        if at is None:
            return
        code, owner = steps[at]
        what = _kind(steps[:at])
        if what in ("lock", "other") and thread is not None:
            what = _thread_waits(steps, thread.native_id)
        where = place(code, line_in(owner))
        key = what, f"{where[0]}:{where[1]}"
        if key not in self._counts and len(self._counts) >= _ROWS:
            return
        self._counts[key] = self._counts.get(key, 0.0) + weight
        self._places[key] = where


def _kind(library: list[Step]) -> str:
    """What is waited for, by the frames of libraries between the wait and the service's code."""
    found, by = len(_KINDS), None
    for code, _ in library:
        rank = _rank(code.co_filename)
        if rank < found:
            found, by = rank, code
    if by is None:
        return "other"
    kind = _KINDS[found][1]
    # An event is what somebody will do, not what somebody has.
    return "event" if kind == "lock" and "Event." in by.co_qualname else kind


@functools.lru_cache(maxsize=1000)
def _rank(file: str) -> int:
    """Which of the kinds a file stands for, by its number; that of none is past the end."""
    ranks = (rank for rank, (parts, _) in enumerate(_KINDS) if any(part in file for part in parts))
    return next(ranks, len(_KINDS))


def _thread_waits(steps: list[Step], native_id: int) -> str:
    """Whether a thread stands in a lock: by the system call that it is in.

    A lock is awaited without an end; the interpreter's own is asked for again every 5 ms.
    """
    functions = [code.co_qualname for code, _ in steps[:4]]
    if any(name.startswith(("Event.", "Queue.", "Thread.join")) for name in functions):
        return "event"
    try:
        with open(f"/proc/self/task/{native_id}/syscall", "rb") as file:  # noqa: PTH123
            call = file.read(200).decode().split()
    except OSError:
        return "other"
    return "lock" if call[:1] == [_FUTEX] and call[4:5] == ["0x0"] else "other"


standing = Standing()
forget = standing.forget
