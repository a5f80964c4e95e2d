"""Routes as the frameworks' routers find them, told to the request that asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncline_probe import requests
from syncline_probe.board import Board


def route_note(board: Board, hook: str, template: Callable[..., str | None]) -> Callable[..., None]:
    """What a framework's hook calls with what the router found.

    It runs in the service's own request: at its first failure it is off for good and one event
    says so, and the request goes on as if nobody looked.

    Args:
        template: the route's template, such as ``/books/{id}``; None where there is none.
    """
    requests.follow()
    on = True

    def note(*found: Any) -> None:
        nonlocal on
        if not on:
            return
        try:
            name = template(*found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not spread
            on = False
            board.failed(hook, error)
        else:
            if name is not None:
                requests.name_route(name)

    return note
