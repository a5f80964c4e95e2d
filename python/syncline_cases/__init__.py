"""The services that ship with Syncline, each a case to run, to read and to copy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncline.trial import Case

__all__ = ["load_case", "names"]

_CASES = ("users", "authors", "books", "httpd", "entities")


def names() -> tuple[str, ...]:
    """The names of the cases, in the order in which they are shown."""
    return _CASES


def load_case(name: str) -> Case:
    """The case of that name; only its own modules are imported.

    Raises:
        UsageError: there is none; the message lists those there are.
    """
    if name not in _CASES:
        from syncline.errors import UsageError

        raise UsageError(f"There is no case {name!r}; there are: {', '.join(_CASES)}.")
    case: Case = import_module(f"{__name__}.{name}.case").CASE
    return case
