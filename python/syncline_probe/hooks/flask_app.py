"""Requests of Flask, by URL rule."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.apps import count_class, counted_wsgi
from syncline_probe.board import Board


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    count_class(board, module.Flask, counted_wsgi)
    original = module.Flask.dispatch_request

    def dispatch_request(self: Any, *args: Any, **options: Any) -> Any:
        request = requests.current.get()
        if request is not None and request.route is None:
            asked = getattr(args[0], "request", None) if args else None
            rule = (asked if asked is not None else _asked()).url_rule
            if rule is not None:
                requests.name_route(rule.rule)
        return original(self, *args, **options)

    module.Flask.dispatch_request = dispatch_request


def _asked() -> Any:
    return vars(sys.modules["flask"])["request"]
