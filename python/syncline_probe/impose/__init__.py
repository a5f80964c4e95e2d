"""What-ifs: settings that the probe imposes on the service it is in, and whether they took.

They are asked for by the environment variable ``SYNCLINE_WHAT_IFS``, an object of names and
values as JSON. What came of them is told among the settings, as ``what_ifs``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from functools import partial
from types import ModuleType

from syncline_probe.board import Board
from syncline_probe.importing import ImportWatch
from syncline_probe.impose.asked import Asked

__all__ = ["Asked", "after_fork", "install"]

ENVIRONMENT = "SYNCLINE_WHAT_IFS"
_POOLS = ("pool_size", "max_overflow", "pool_timeout")
# The library whose import is waited for (none: at once), the module here, and the what-ifs
# for which it is needed.
_IMPOSERS: tuple[tuple[str | None, str, tuple[str, ...]], ...] = (
    ("sqlalchemy", "sqlalchemy_engines", (*_POOLS, "pool_pre_ping", "echo")),
    ("asyncpg", "asyncpg_pools", _POOLS),
    ("psycopg_pool", "psycopg_pools", _POOLS),
    ("anyio._backends._asyncio", "thread_tokens", ("tokens",)),
    ("logging", "log_level", ("log_level",)),
    (None, "collector", ("gc_threshold",)),
    (None, "admission", ("admission",)),
)


def install(board: Board, imports: ImportWatch) -> None:
    """Lets each what-if that is asked for wait for what it changes."""
    text = os.environ.get(ENVIRONMENT, "")
    if not text:
        return
    asked = Asked(json.loads(text))
    board.settings["what_ifs"] = asked.rows
    for library, name, what_ifs in _IMPOSERS:
        if not any(one in asked.values for one in what_ifs):
            continue
        if library is None:
            _install(board, asked, name, what_ifs, None)
        else:
            imports.when_imported(library, partial(_install, board, asked, name, what_ifs))


def after_fork() -> None:
    """In a fork's child: lets each forget what belongs to the parent's threads."""
    for _, name, _ in _IMPOSERS:
        forget = getattr(sys.modules.get(f"{__name__}.{name}"), "after_fork", None)
        if forget is not None:
            forget()


def _install(
    board: Board, asked: Asked, name: str, what_ifs: tuple[str, ...], library: ModuleType | None
) -> None:
    try:
        importlib.import_module(f"{__name__}.{name}").install(board, asked, library)
    except Exception as error:  # noqa: BLE001 - the import that it hangs on must not fail
        board.failed(name, error)
        for one in what_ifs:
            asked.refused(one, f"{type(error).__name__}: {error}"[:300])
