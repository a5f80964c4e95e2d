"""Fewer samples that still show every peak: what a chart some hundred dots wide can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Samples = tuple[tuple[float, ...], tuple[float | None, ...]]


def thinned(t_s: Sequence[float], value: Sequence[float | None], limit: int) -> Samples:
    """At most ``limit`` samples, the first, the last, and each stretch's extremes among them.

    The samples are cut into stretches of equal number; of each its least and its greatest value
    stay, at their own instants, and one None if there was any: a gap stays a gap. Nothing is
    averaged and nothing invented.

    Args:
        limit: at least 8.
    """
    size = len(t_s)
    if size <= limit:
        return tuple(t_s), tuple(value)
    stretches = (limit - 2) // 3
    kept = {0, size - 1}
    for slot in range(stretches):
        first, last = slot * size // stretches, (slot + 1) * size // stretches
        kept.update(_telling(value, range(first, last)))
    order = sorted(kept)
    return tuple(t_s[i] for i in order), tuple(value[i] for i in order)


def _telling(value: Sequence[float | None], stretch: range) -> Iterator[int]:
    known = [(number, i) for i in stretch if (number := value[i]) is not None]
    if known:
        yield min(known)[1]
        yield max(known)[1]
    if len(known) < len(stretch):
        yield next(i for i in stretch if value[i] is None)
