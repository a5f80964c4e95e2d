"""Where threads stand, and what tasks wait for: the frames behind ``await``."""

from __future__ import annotations

import functools
import gc
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, TypeAlias

Place: TypeAlias = list[object]  # file, line, function
Step: TypeAlias = tuple[CodeType, Any]  # and the frame, or the coroutine, that runs it
Row: TypeAlias = tuple[str, list[Place], str, dict[str, object]]  # name, stack, waits on, more
_DEPTH = 40
_GROUPS = 100
_STDLIB = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - no pathlib in a service
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120
_ITERATORS = (
    *("async_generator_asend", "async_generator_athrow", "anext_awaitable"),
    *("coroutine_wrapper", "FutureIter"),
)
_kinds: dict[str, bool] = {}


def places(frame: FrameType | None, limit: int = _DEPTH) -> list[Place]:
    """The frames of a thread, the innermost first."""
    found: list[Place] = []
    while frame is not None and len(found) < limit:
        found.append(place(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return found


def steps_to_application(frame: FrameType | None) -> list[Step]:
    """The frames of a thread up to the service's own code, the innermost first; none without it.

    Those further out are many, and cost more than all that is done with the others.
    """
    found: list[Step] = []
    while frame is not None and len(found) < _DEPTH:
        code = frame.f_code
        found.append((code, frame))
        if is_application(code.co_filename):
            return found
        frame = frame.f_back
    return []


def place(code: CodeType, line: int | None) -> Place:
    """One frame's file, line and function."""
    return [code.co_filename, line or code.co_firstlineno, code.co_qualname]


def is_application(file: str) -> bool:
    """Whether a file is the service's own: not of the library, a package, or this probe."""
    known = _kinds.get(file)
    if known is None:
        foreign = ("site-packages" + os.sep, "dist-packages" + os.sep)
        known = not (file.startswith(("<", _STDLIB, _OWN)) or any(part in file for part in foreign))
        _kinds[file] = known
    return known


def is_own(file: str) -> bool:
    """Whether a file is the probe's."""
    return file.startswith(_OWN)


def application_place(stack: Iterable[Place]) -> Place | None:
    """The innermost place in the service's own code."""
    return next((found for found in stack if is_application(str(found[0]))), None)


def await_chain(awaited: Any) -> tuple[list[Place], str]:
    """The frames of a suspended coroutine, the outermost first, and what the last awaits."""
    steps, last = await_steps(awaited)
    kind = type(last)
    found = [place(code, line_in(owner)) for code, owner in steps[:_DEPTH]]
    return found, f"{kind.__module__}.{kind.__qualname__}"


def await_steps(awaited: Any) -> tuple[list[Step], Any]:
    """What runs behind a suspended coroutine, the outermost first, and what the last awaits.

    Coroutines, generators and asynchronous generators each name what they wait for; the
    iterators between them name it to the garbage collector only. Lines are left to
    :func:`line_in`: a look at many requests needs few of them, and they cost most.
    """
    found: list[Step] = []
    for _ in range(2 * _DEPTH):
        kind: Any = type(awaited)
        names = _names(kind)
        if names is not None:
            code, following = names(awaited)
            if code is not None:
                found.append((code, awaited))
        else:
            following = _behind(awaited)
        if following is None:
            break
        awaited = following
    return found, awaited


def line_in(owner: Any) -> int | None:
    """At which line a frame, or something that can be awaited, stands; None if it has ended."""
    if type(owner) is FrameType:
        return owner.f_lineno
    for name in ("cr_frame", "ag_frame", "gi_frame"):
        frame = getattr(owner, name, None)
        if frame is not None:
            line: int | None = frame.f_lineno
            return line
    return None


@functools.lru_cache(maxsize=100)
def _names(kind: type) -> Callable[[Any], tuple[CodeType, Any]] | None:
    """How a kind of thing names its code and what it awaits; also those that Cython makes."""
    for code, following in (
        ("cr_code", "cr_await"),
        ("ag_code", "ag_await"),
        ("gi_code", "gi_yieldfrom"),
    ):
        if hasattr(kind, code) and hasattr(kind, following):
            return operator.attrgetter(code, following)
    return None


def _behind(iterator: Any) -> Any:
    """What an iterator made by ``await`` stands for; None if it is no such thing."""
    if type(iterator).__name__ in _ITERATORS:
        return next(iter(gc.get_referents(iterator)), None)
    return None


def all_stacks() -> dict[str, object]:
    """All threads and all tasks; those that stand alike are counted, not repeated."""
    return {"threads": _threads(), "tasks": _tasks()}


def _threads() -> list[dict[str, object]]:
    names = {thread.ident: thread.name for thread in list(threading._active.values())}  # type: ignore[attr-defined]
    own = threading.get_ident()
    rows: list[Row] = [
        (names.get(ident) or f"thread {ident}", places(frame), "", {})
        for ident, frame in sys._current_frames().items()
        if ident != own
    ]
    return grouped(rows)


def _tasks() -> list[dict[str, object]]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return []
    rows: list[Row] = []
    for task in every_task(asyncio):
        if not task.done():
            chain, waits_on = await_chain(task.get_coro())
            rows.append((task.get_name(), chain[::-1], waits_on, {}))
    return grouped(rows)


def every_task(asyncio: Any) -> list[Any]:
    """The tasks of all loops; read from outside their threads, so with more than one try."""
    for _ in range(10):
        try:
            tasks = asyncio.tasks
            if hasattr(tasks, "_scheduled_tasks"):
                return [*tasks._scheduled_tasks, *getattr(tasks, "_eager_tasks", ())]
            return list(tasks._all_tasks)
        except RuntimeError:  # it changed while it was read
            continue
    return []


def grouped(rows: Iterable[Row]) -> list[dict[str, object]]:
    """Rows that stand alike as one each, with their number and some of their names."""
    groups: dict[str, dict[str, Any]] = {}
    for name, stack, waits_on, more in rows:
        key = repr((stack, waits_on, more))
        if key not in groups:
            groups[key] = {"count": 0, "names": [], "stack": stack, **more}
            if waits_on:
                groups[key]["waits_on"] = waits_on
        group = groups[key]
        group["count"] += 1
        if name and len(group["names"]) < 3:
            group["names"].append(name)
    return sorted(groups.values(), key=lambda group: -group["count"])[:_GROUPS]
