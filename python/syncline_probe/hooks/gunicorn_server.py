"""Requests of any application under gunicorn's own workers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.apps import counted_app
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    original = module.BaseApplication.wsgi
    settings: dict[str, object] = {}

    def wsgi(self: Any) -> Any:
        app = counted_app(board, original(self))
        settings.update(
            workers=self.cfg.workers,
            threads=self.cfg.threads,
            worker_class=self.cfg.worker_class_str,
            backlog=self.cfg.backlog,
            preload=bool(self.cfg.preload_app),
        )
        return app

    module.BaseApplication.wsgi = wsgi
    board.settings["gunicorn"] = lambda: dict(settings)
