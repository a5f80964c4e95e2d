"""SQL statements, counted for the request that runs them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from typing import Any

from syncline_probe import requests
from syncline_probe.recoding import replaced
from syncline_probe.request import Request

_TEXTS = 100  # of one request
_KNOWN = 1000
_QUERY = "query"  # what the drivers call it, for who gives it by name
_TRANSACTION = ("begin", "commit", "rollback", "savepoint", "release", "start tr")


class _Transactional(dict[str, bool]):
    """By its text, whether a statement only begins or ends a transaction."""

    def __missing__(self, text: str) -> bool:
        found = text.lstrip()[:9].lower().startswith(_TRANSACTION)
        if len(self) < _KNOWN:
            self[text] = found
        return found


_transactional = _Transactional()
_working_for = requests.follow()


def note(request: Request, text: object, took_s: float) -> None:
    """Counts a statement that has ended."""
    request.statements += 1
    request.statement_s += took_s
    texts = request.texts
    key = text if type(text) is str else str(text)
    if texts is None:
        request.texts = {key: 1}
    elif key in texts:
        texts[key] += 1
    elif len(texts) < _TEXTS:
        texts[key] = 1


def count_methods(kind: Any, names: Iterable[str], wrap: Callable[[Any], Any]) -> None:
    """Has statements counted by a driver's methods, by one of the two below."""
    # All are looked up before the first is changed: a library without one is left as it was.
    methods = {name: inspect.iscoroutinefunction(getattr(kind, name)) for name in names}
    # To those who ask, it stays a coroutine function; Python 3.11 has no mark for that.
    mark = getattr(inspect, "markcoroutinefunction", None)
    for name, of_coroutines in methods.items():
        if (switch := replaced(kind, name, wrap)) is not None:
            requests.when_recording(switch.turn)
        if mark is not None and of_coroutines:
            mark(getattr(kind, name))


def counted(original: Callable[..., Any]) -> Callable[..., Any]:
    """A driver's method ``(self, query, …)`` with its statements counted.

    Not if a layer above counts them already, and not what only begins or ends a transaction.
    """

    def execute(*args: Any, **options: Any) -> Any:
        text = args[1] if len(args) > 1 else options.get(_QUERY)
        request = _counting(text)
        if request is None:
            return original(*args, **options)
        began = time.monotonic()
        request.in_statement = True
        try:
            return original(*args, **options)
        finally:
            request.in_statement = False
            note(request, text, time.monotonic() - began)

    return execute


def counted_async(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a coroutine function.

    What is not counted gets the original's own coroutine: one more around it would be paid at
    each wait, by the statements that begin and end transactions above all.
    """

    async def count(request: Request, text: Any, args: Any, options: Any) -> Any:
        began = time.monotonic()
        request.in_statement = True
        try:
            return await original(*args, **options)
        finally:
            request.in_statement = False
            note(request, text, time.monotonic() - began)

    def execute(*args: Any, **options: Any) -> Any:
        text = args[1] if len(args) > 1 else options.get(_QUERY)
        request = _counting(text)
        if request is None:
            return original(*args, **options)
        return count(request, text, args, options)

    return execute


def _counting(text: object) -> Request | None:
    request = _working_for()
    if request is None or request.in_statement or text is None:
        return None
    return None if isinstance(text, str) and _transactional[text] else request
