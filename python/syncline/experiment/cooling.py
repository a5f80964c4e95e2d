"""A pause before a trial: until what the one before left to do is done."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

# Requests that were in flight at the end of a load, garbage, a flush of the database: all of it
# takes processor time in what Syncline started.
_LIMIT_S = 2.0
_LOOK_S = 0.1
# Above what idle services, the probe's ten samples a second and one tick of rounding take.
_AT_REST = 0.15


def cool_down(
    used_s: Callable[[], float] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Returns once the services and back ends are at rest, after 2 s at the latest.

    Args:
        used_s: the CPU seconds that they used so far; by default of all of this process's
            children.

    Returns:
        the seconds that it took.
    """
    used_s = used_s or _children_s
    began = before_at = clock()
    before_s = used_s()
    while before_at - began < _LIMIT_S:
        sleep(_LOOK_S)
        now, now_s = clock(), used_s()
        if now_s - before_s <= _AT_REST * (now - before_at):
            break
        before_at, before_s = now, now_s
    return clock() - began


def _children_s() -> float:
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue  # it ended since it was listed
        total += times.user + times.system
    return total
