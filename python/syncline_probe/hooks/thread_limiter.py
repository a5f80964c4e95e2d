"""AnyIO's default limiter of threads: in Starlette and FastAPI, what ``def`` endpoints need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from syncline_probe.board import Board, Sample


def install(board: Board, library: ModuleType | None) -> None:
    lowlevel: Any = sys.modules["anyio.lowlevel"]
    key = vars(library)["_default_thread_limiter"]

    def gauge(sample: Sample) -> None:
        found = list(_limiters(lowlevel, key))
        if found:
            sample["limiter_borrowed"] = sum(len(one._borrowers) for one in found)
            sample["limiter_tokens"] = sum(one._total_tokens for one in found)
            sample["limiter_waiting"] = sum(len(one._wait_queue) for one in found)

    def settings() -> dict[str, object]:
        return {"tokens": [one._total_tokens for one in _limiters(lowlevel, key)]}

    board.gauges["thread_limiter"] = gauge
    board.settings["thread_limiter"] = settings


def _limiters(lowlevel: Any, key: Any) -> Iterator[Any]:
    """The default limiter of each loop; there is none before the first thread was asked for."""
    # Not by its own values(), which guards against what cannot come amid making a list.
    for values in list(lowlevel._run_vars.data.values()):
        limiter = values.get(key) or values.get(getattr(key, "_name", None))
        if limiter is not None:
            yield limiter
