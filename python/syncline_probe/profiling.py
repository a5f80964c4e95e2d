"""What is asked of a service over some seconds, from a request on the channel to its end."""

from __future__ import annotations

import json
import os
from typing import Protocol

from syncline_probe.allocations import AllocationTracker
from syncline_probe.waiting import WaitSampler, write_whole


class _Taker(Protocol):
    def start(self) -> None: ...
    def end(self) -> None: ...


class Profiling:
    """Begins on ``{"ask":"profile","kind":K,"folder":D,"period_s":S}``, ends on ``profile-end``.

    Kinds are ``lock``, ``await`` and ``alloc``. Leaves ``D/PID.json``, or ``D/PID.bin`` with an
    empty ``D/PID.done`` beside it once it is complete; what fails leaves ``D/PID.failed`` with a
    sentence in it.
    """

    def __init__(self) -> None:
        self._taker: _Taker | None = None
        self._stem = ""
        self._kind = ""

    def hear(self, asked: bytes) -> None:
        """Takes what was asked on the channel; lines that are none of its are passed over."""
        for line in asked.splitlines():
            try:
                request = json.loads(line)
            except ValueError:
                continue
            if request.get("ask") == "profile" and self._taker is None:
                self._begin(request)
            elif request.get("ask") == "profile-end" and self._taker is not None:
                self._end()

    def _begin(self, request: dict[str, object]) -> None:
        self._kind = str(request["kind"])
        self._stem = os.path.join(str(request["folder"]), str(os.getpid()))  # noqa: PTH118
        if self._kind == "alloc":
            self._taker = AllocationTracker(f"{self._stem}.bin")
        else:
            period_s = float(str(request.get("period_s", 0.02)))
            self._taker = WaitSampler(self._kind, f"{self._stem}.json", period_s)
        try:
            self._taker.start()
        except Exception as error:  # noqa: BLE001 - told to who asked, never to the service
            self._taker = None
            write_whole(f"{self._stem}.failed", f"{type(error).__name__}: {error}")

    def _end(self) -> None:
        taker, self._taker = self._taker, None
        if taker is None:
            return
        try:
            taker.end()
        except Exception as error:  # noqa: BLE001
            write_whole(f"{self._stem}.failed", f"{type(error).__name__}: {error}")
        else:
            if self._kind == "alloc":
                write_whole(f"{self._stem}.done", "")
