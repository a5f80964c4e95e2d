"""One quantity over time in bounded memory."""

from __future__ import annotations

import math
from array import array

from syncline.outcome import Series

LIMIT = 4096
_DIGITS = 5


class Track:
    """Instants and values as they were seen.

    When :data:`LIMIT` is reached every second sample is forgotten, and from then on every
    second one is kept: a lower rate, never an invented value. Not for two writers.
    """

    __slots__ = ("_limit", "_seen", "_stride", "times_ns", "values")

    def __init__(self, limit: int = LIMIT) -> None:
        self.times_ns = array("q")
        self.values = array("d")
        self._limit = limit
        self._stride = 1
        self._seen = 0

    def add(self, at_ns: int, value: float | None) -> None:
        """One more sample; None where nothing was seen."""
        self._seen += 1
        if (self._seen - 1) % self._stride:
            return
        if len(self.times_ns) >= self._limit:
            del self.times_ns[1::2]
            del self.values[1::2]
            self._stride *= 2
            if (self._seen - 1) % self._stride:
                return
        # The value first: who reads meanwhile goes by the number of instants.
        self.values.append(math.nan if value is None else value)
        self.times_ns.append(at_ns)

    def last(self) -> float | None:
        """The newest value."""
        return _known(self.values[-1]) if self.values else None

    def series(self, unit: str, origin_ns: int, *, counter: bool = False) -> Series | None:
        """What was seen from ``origin_ns`` on; None if that is nothing.

        Args:
            counter: whether what it was at the origin is taken off.
        """
        times, values = self.times_ns[:], self.values[: len(self.times_ns)]
        first = next((i for i, at in enumerate(times) if at >= origin_ns), len(times))
        kept = [_known(value) for value in values[first:]]
        if all(value is None for value in kept):
            return None
        base = 0.0
        if counter:
            before = [_known(value) for value in values[:first]]
            base = next(value for value in [*before[::-1], *kept] if value is not None)
        return Series(
            unit,
            tuple(round((at - origin_ns) / 1e9, 3) for at in times[first:]),
            tuple(None if value is None else compact(value - base) for value in kept),
        )


def compact(value: float) -> float:
    """The value with five significant digits, or whole: what a sample is worth, in few bytes."""
    if value == int(value):
        return int(value)
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
