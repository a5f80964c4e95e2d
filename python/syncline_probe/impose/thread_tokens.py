"""AnyIO's default limiter of threads.

It is set as it is asked for, each time: a service that sets it itself, as it starts, would
otherwise have the last word.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.impose.asked import Asked


def install(_board: Board, asked: Asked, library: ModuleType | None) -> None:
    backend: Any = vars(library)["AsyncIOBackend"]
    original = backend.__dict__["current_default_thread_limiter"].__func__
    tokens = int(asked.values["tokens"])
    told = False

    def current_default_thread_limiter(cls: Any) -> Any:
        nonlocal told
        limiter = original(cls)
        if limiter._total_tokens != tokens or not told:
            told = True
            asked.took("tokens", limiter._total_tokens)
            limiter.total_tokens = tokens
        return limiter

    backend.current_default_thread_limiter = classmethod(current_default_thread_limiter)
