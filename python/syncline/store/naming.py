"""How runs are named: new ids, and what a person types for one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from syncline.errors import UsageError

LATEST = "latest"
_BACK = re.compile(r"latest(?:~(\d{1,6}))?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


def new_run_id() -> str:
    """An id that sorts by the time of its making, such as ``20260102-030405-9f2c``."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def can_be_id(text: str) -> bool:
    """Whether a run may be called so: letters, digits and hyphens, no words of the search."""
    return _ID.fullmatch(text) is not None and text != LATEST


def find(name: str, ids: Sequence[str], where: str) -> str:
    """The id that a person means: a whole one, the beginning of one, ``latest``, ``latest~2``.

    Args:
        ids: all of them, the newest run's first.
        where: the store, for messages.

    Raises:
        UsageError: none or several fit.
    """
    if not ids:
        raise UsageError(
            f"The store {where} has no run {name!r}: it is empty; 'syncline run users' fills it."
        )
    if back := _BACK.fullmatch(name):
        steps = int(back[1] or 0)
        if steps >= len(ids):
            raise UsageError(f"The store {where} has no {name}: it holds {len(ids)} runs.")
        return ids[steps]
    if name in ids:
        return name
    fitting = [one for one in ids if name and one.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(fitting[:5]) + (", …" if len(fitting) > 5 else "")
        raise UsageError(f"{name!r} begins the ids of {len(fitting)} runs: {shown}. Give more.")
    raise UsageError(
        f"The store {where} has no run {name!r}; 'syncline runs' lists those that it has."
    )
