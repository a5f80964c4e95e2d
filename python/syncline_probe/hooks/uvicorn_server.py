"""Requests of any application under uvicorn, and how long they waited for it."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.apps import counted_app, is_counted
from syncline_probe.board import Board
from syncline_probe.recoding import replaced
from syncline_probe.request import RECEIVED

_PROTOCOLS = (
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.http.h11_impl",
)


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    original = module.Config.load
    settings: dict[str, object] = {}
    stamped: set[str] = set()

    def load(self: Any) -> None:
        original(self)
        app = self.loaded_app
        own = type(app).__module__.startswith("uvicorn.")
        if not own or not is_counted(getattr(app, "app", None)):
            self.loaded_app = counted_app(board, app)
        settings.update(
            workers=self.workers,
            loop=str(self.loop),
            http=str(self.http),
            limit_concurrency=self.limit_concurrency,
            backlog=self.backlog,
            access_log=bool(self.access_log),
            keep_alive_s=self.timeout_keep_alive,
        )
        for name in _PROTOCOLS:
            if name in sys.modules and name not in stamped:
                stamped.add(name)
                _stamp(sys.modules[name])

    module.Config.load = load
    board.settings["uvicorn"] = lambda: dict(settings)


def _stamp(protocol: Any) -> None:
    """Notes in the scope when the head of a request had been read."""
    switch = None
    if (parsed := getattr(protocol, "HttpToolsProtocol", None)) is not None:
        switch = replaced(parsed, "on_headers_complete", _stamped_head)
    elif (cycle := getattr(protocol, "RequestResponseCycle", None)) is not None:
        switch = replaced(cycle, "__init__", _stamped_cycle)
    if switch is not None:
        requests.when_recording(switch.turn)


def _stamped_head(original: Any) -> Any:
    records, clock = requests.records, time.monotonic

    def on_headers_complete(self: Any) -> Any:
        if records:
            self.scope[RECEIVED] = clock()
        return original(self)

    return on_headers_complete


def _stamped_cycle(original: Any) -> Any:
    records, clock = requests.records, time.monotonic

    def begin(self: Any, *args: Any, **options: Any) -> None:
        scope = options.get("scope") or (args[0] if args else None)
        if isinstance(scope, dict) and records:
            scope[RECEIVED] = clock()
        original(self, *args, **options)

    return begin
