"""Requests of Flask, by URL rule."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from syncline_probe import requests
from syncline_probe.apps import count_class, counted_wsgi
from syncline_probe.board import Board
from syncline_probe.routing import route_note


def install(board: Board, library: ModuleType | None) -> None:
    module: Any = library
    count_class(board, module.Flask, counted_wsgi)
    original = module.Flask.dispatch_request
    working_for = requests.follow()
    note = route_note(board, "flask routes", _rule)

    def dispatch_request(self: Any, *args: Any, **options: Any) -> Any:
        request = working_for()
        if request is not None and request.route is None:
            note(args)
        return original(self, *args, **options)

    module.Flask.dispatch_request = dispatch_request


def _rule(given: tuple[Any, ...]) -> str | None:
    # Versions that give the context have the request in it; others have it as the thread's.
    asked = getattr(given[0], "request", None) if given else None
    rule = (asked if asked is not None else vars(sys.modules["flask"])["request"]).url_rule
    return None if rule is None else rule.rule
