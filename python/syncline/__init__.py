"""Syncline: why does my service bend under load, and what change makes it stand?"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncline.engine import aload, load
    from syncline.errors import SynclineError
    from syncline.outcome import LoadResult
    from syncline.plan import Plan

__version__ = "0.1.0"

__all__ = ["LoadResult", "Plan", "SynclineError", "__version__", "aload", "load"]

# Imported at the first use: pytest imports this package in every run beside which it is installed.
_WHERE = {
    "LoadResult": "syncline.outcome",
    "Plan": "syncline.plan",
    "SynclineError": "syncline.errors",
    "aload": "syncline.engine",
    "load": "syncline.engine",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
