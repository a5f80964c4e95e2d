"""Figures as people read them: three significant digits, the unit that fits, never NaN.

Every function takes a plain number whose unit stands in the function's or argument's name and
returns text. None becomes an en dash: absent knowledge looks absent.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeGuard

ABSENT = "–"


def duration(us: float | None) -> str:
    """Microseconds as ``850 µs``, ``1.23 ms``, ``12.3 s``."""
    if not _known(us):
        return ABSENT
    if us < 0:
        return "−" + duration(-us)
    for unit, scale in (("µs", 1.0), ("ms", 1e3)):
        if us < 999.5 * scale:
            return f"{significant(us / scale)} {unit}"
    return f"{significant(us / 1e6)} s"


def span(seconds: float | None) -> str:
    """Seconds as they stand in a sentence: ``0.4 s``, ``2 s``, ``300 s``."""
    if not _known(seconds):
        return ABSENT
    if abs(seconds) < 0.0995:
        return duration(seconds * 1e6)
    return f"{seconds:,.0f} s" if abs(seconds) >= 99.95 else f"{seconds:.3g} s"


def clock(seconds: float) -> str:
    """A time to go, coarse on purpose: ``4 s``, ``1 min 20 s``, ``2 h 5 min``."""
    whole = max(0, math.ceil(seconds)) if math.isfinite(seconds) else 0
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def rate(rps: float | None) -> str:
    """A rate's number without its unit: ``0.22``, ``70.6``, ``1,385``."""
    if not _known(rps):
        return ABSENT
    if 0 < rps < 0.01:
        return "<0.01"
    return "0" if rps == 0 else significant(rps)


def count(number: float | None) -> str:
    """A whole number with its thousands set apart: ``53,859``."""
    return f"{number:,.0f}" if _known(number) else ABSENT


def ratio(value: float | None) -> str:
    """A ratio as ``1.19×``; small ones keep their digits: ``0.044×``."""
    return f"{significant(value)}×" if _known(value) else ABSENT


def share(part: float | None) -> str:
    """A share of 1 in percent; a rare thing never reads 0 %, a near-whole one never 100 %."""
    if not _known(part):
        return ABSENT
    percent = part * 100
    if 0 < percent < 0.01:
        return "<0.01 %"
    if 99.95 <= percent < 100:
        return f"{min(math.floor(percent * 1000) / 1000, 99.999):g} %"
    if percent >= 100 or percent == 0:
        return f"{percent:.0f} %"
    if percent >= 10:
        return f"{percent:.1f} %"
    return f"{percent:.2f} %"


def size(number: float | None) -> str:
    """Bytes in powers of 1,000: ``512 B``, ``12.3 kB``, ``1.20 GB``."""
    if not _known(number):
        return ABSENT
    if number < 1000:
        return f"{number:.0f} B"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if number < 999.5 * scale:
            return f"{significant(number / scale)} {unit}"
    return f"{significant(number / 1e12)} TB"


def significant(value: float) -> str:
    """Three significant digits, no exponent, thousands set apart."""
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if abs(value) >= 9.995 * 10**magnitude:
        magnitude += 1
    places = min(9, max(0, 2 - magnitude))
    # Half up on the decimal that was given: 70.55 is 70.6, as its author would round it.
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded:,f}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 error``, ``2,000 errors``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(items: tuple[str, ...]) -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
