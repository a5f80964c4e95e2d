"""What was asked for, and what came of it so far."""

from __future__ import annotations

from collections.abc import Mapping

_UNUSED = {
    "pool_size": "no pool of connections that it applies to was made",
    "max_overflow": "no pool of connections that it applies to was made",
    "pool_timeout": "no pool of connections that it applies to was made",
    "pool_pre_ping": "no SQLAlchemy engine was made",
    "echo": "no SQLAlchemy engine was made",
    "tokens": "nothing asked AnyIO for a thread",
    "admission": "no request came through an application that can be held back",
}


class Asked:
    """The what-ifs of a process.

    Attributes:
        values: by name, as they were asked for.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self._old: dict[str, object] = {}
        self._times: dict[str, int] = {}
        self._why: dict[str, str] = {}

    def took(self, name: str, old: object) -> None:
        """It is imposed in one place more, where it was ``old`` before."""
        if name in self.values:
            self._old.setdefault(name, old)
            self._times[name] = self._times.get(name, 0) + 1

    def refused(self, name: str, why: str) -> None:
        """It cannot be imposed somewhere."""
        if name in self.values:
            self._why.setdefault(name, why)

    def rows(self) -> dict[str, object]:
        """For each its ``value``, the ``old`` one, and ``imposed``: None where nothing used it."""
        return {name: self._row(name, value) for name, value in self.values.items()}

    def _row(self, name: str, value: str) -> dict[str, object]:
        times = self._times.get(name, 0)
        why = self._why.get(name, "")
        return {
            "value": value,
            "old": self._old.get(name),
            "places": times,
            "imposed": True if times else False if why else None,
            "why": why or ("" if times else _UNUSED.get(name, "nothing used it")),
        }
