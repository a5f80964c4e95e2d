"""Counts under names that turn up as they come, such as wait events: bounded, and 0 when gone."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_NAME_LENGTH = 60


class Shares:
    """Gives every name that was ever seen a count in each sample.

    Args:
        prefix: what the quantities' names begin with, its dot included.
        limit: how many names; those that turn up later are summed as ``other``.
        known: names that are told from the start.
    """

    def __init__(self, prefix: str, limit: int = 24, known: tuple[str, ...] = ()) -> None:
        self._prefix = prefix
        self._limit = limit
        self._names = dict.fromkeys(known)

    def counts(self, found: Mapping[str, float]) -> dict[str, float | None]:
        """The counts by quantity; names are made lower-case words."""
        result = dict.fromkeys(self._names, 0.0)
        for raw, count in found.items():
            name = word(raw)
            if name not in result and len(self._names) >= self._limit:
                name = "other"
            self._names[name] = None
            result[name] = result.get(name, 0.0) + count
        return {self._prefix + name: count for name, count in result.items()}


def word(text: str) -> str:
    """A name fit for a quantity: ``idle in transaction`` is ``idle_in_transaction``."""
    return _NOT_IN_NAMES.sub("_", text.lower()).strip("_")[:_NAME_LENGTH] or "none"
