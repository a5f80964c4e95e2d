"""What the requests inside the application stand in, and which of them hold a connection."""

from __future__ import annotations

import time
from collections import Counter

from syncline_probe import ledger, pools
from syncline_probe.request import route_of
from syncline_probe.stacks import all_stacks, await_chain, grouped

_STALLED_S = 1.0
_AGAIN = 5.0  # times as long until the next look at the same standstill


def everything() -> dict[str, object]:
    """Threads, tasks and requests; those that stand alike are counted, not repeated."""
    return {**all_stacks(), "requests": request_groups()}


def request_groups() -> list[dict[str, object]]:
    """Each live request by its route, the frames behind its ``await``, and what it holds.

    These need no task: a server may run an application's coroutine by itself.
    """
    held = Counter(hold.request for hold in pools.every_hold() if hold.request is not None)
    rows = []
    for request in ledger.live():
        chain, waits_on = await_chain(request.inner) if request.inner is not None else ([], "")
        more: dict[str, object] = {"route": route_of(request), "holds": held[request]}
        rows.append(("", chain[::-1], waits_on, more))
    return grouped(rows)


class Standstill:
    """Notices that requests are inside and none leaves."""

    def __init__(self) -> None:
        self._ended = -1
        self._since_s = 0.0
        self._next_s = _STALLED_S

    def noticed(self) -> str:
        """Called ten times a second: a reason to look at all stacks now, or nothing."""
        now, ended = time.monotonic(), ledger.count()
        if ended != self._ended or not ledger.any_inside():
            self._ended, self._since_s, self._next_s = ended, now, _STALLED_S
            return ""
        lasted = now - self._since_s
        if lasted < self._next_s:
            return ""
        self._next_s *= _AGAIN
        return f"no request ended for {lasted:.1f} s"
