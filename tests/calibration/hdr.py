"""A reader of HdrHistogram's V2 compressed form, for checking what the engine wrote.

Written from the published description of the encoding, apart from the engine's own code, so
that a mistake in one does not hide in the other.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_COMPRESSED_COOKIE = 0x1C849304
_PLAIN_COOKIE = 0x1C849303
_COOKIE_MASK = ~0xF0 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket: (lowest value, highest value, count), ascending, empty ones left out."""

    buckets: tuple[tuple[int, int, int], ...]

    @property
    def count(self) -> int:
        """How many values it holds."""
        return sum(count for _, _, count in self.buckets)

    @property
    def mean(self) -> float:
        """The mean of the buckets' middles."""
        return sum((low + high) / 2 * count for low, high, count in self.buckets) / self.count

    def bucket_of(self, quantile: float) -> tuple[int, int]:
        """The bucket in which the value of that rank lies."""
        rank = max(1, -(-int(quantile * self.count * 1_000_000) // 1_000_000))
        seen = 0
        for low, high, count in self.buckets:
            seen += count
            if seen >= rank:
                return low, high
        raise ValueError("an empty histogram has no quantiles")


def decode(text: str) -> Histogram:
    """The histogram in a base64 text.

    Raises:
        ValueError: the text is not a V2 compressed histogram of 3 significant digits.
    """
    raw = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack_from(">II", raw)
    if cookie & _COOKIE_MASK != _COMPRESSED_COOKIE & _COOKIE_MASK:
        raise ValueError(f"the cookie {cookie:#x} is not that of a V2 compressed histogram")
    plain = zlib.decompress(raw[8 : 8 + length])
    cookie, payload, offset, digits, lowest, _highest, _ratio = struct.unpack_from(
        ">IIiiqqd", plain
    )
    if cookie & _COOKIE_MASK != _PLAIN_COOKIE & _COOKIE_MASK:
        raise ValueError(f"the inner cookie {cookie:#x} is not that of a V2 histogram")
    if digits != 3 or lowest != 1 or offset != 0:
        raise ValueError(f"digits {digits}, lowest {lowest}, offset {offset}: 3, 1, 0 are agreed")
    return Histogram(tuple(_buckets(plain[40 : 40 + payload])))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """The sum of histograms; merging is addition."""
    counts: dict[tuple[int, int], int] = {}
    for histogram in histograms:
        for low, high, count in histogram.buckets:
            counts[low, high] = counts.get((low, high), 0) + count
    return Histogram(tuple((low, high, count) for (low, high), count in sorted(counts.items())))


def _buckets(payload: bytes) -> Iterator[tuple[int, int, int]]:
    index = 0
    for value in _zigzag(payload):
        if value < 0:
            index += -value
            continue
        if value:
            yield (*_range_of(index), value)
        index += 1


def _range_of(index: int) -> tuple[int, int]:
    # 3 significant digits take 2048 sub-buckets; every further bucket of 1024 doubles the unit.
    shift = max(0, index // 1024 - 1)
    low = (index - shift * 1024) << shift
    return low, low + (1 << shift) - 1


def _zigzag(payload: bytes) -> Iterator[int]:
    """Signed LEB128 in zigzag order, of at most 9 bytes, whose last one has 8 bits."""
    at = 0
    while at < len(payload):
        value = shift = 0
        for nth in range(9):
            byte = payload[at]
            at += 1
            if nth == 8:
                value |= byte << shift
                break
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield (value >> 1) ^ -(value & 1)
