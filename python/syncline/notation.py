"""How durations, rates, stages, headers and statuses are written: on the command line, in files."""

from __future__ import annotations

import math
import re

from syncline.errors import UsageError
from syncline.plan import Phase

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<unit>us|µs|ms|s|m|min|h)?", re.ASCII)
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<kilo>k?)(?:/s)?", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def duration_s(text: str) -> float:
    """Seconds of ``5``, ``5s``, ``250ms``, ``1m``, ``1m30s``.

    Raises:
        UsageError: it is no duration above 0.
    """
    cleaned = text.strip().replace(" ", "")
    position, total = 0, 0.0
    while found := _DURATION.match(cleaned, position):
        total += float(found["number"]) * _SECONDS[found["unit"] or "s"]
        position = found.end()
    if position != len(cleaned) or not cleaned or not 0 < total < math.inf:
        raise UsageError(f"{text!r} is no duration; write 5, 5s, 250ms or 1m30s.")
    return total


def rate_rps(text: str) -> float:
    """Requests per second of ``1000``, ``1000/s``, ``1.5k``.

    Raises:
        UsageError: it is no rate.
    """
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no rate; write 1000, 1.5k or 100..1000 for a ramp.")
    return float(found["number"]) * (1000 if found["kilo"] else 1)


def rate_range(text: str) -> tuple[float, float]:
    """The rate at the start and at the end of ``100`` or ``100..1000``."""
    first, dots, last = text.partition("..")
    start = rate_rps(first)
    end = rate_rps(last) if dots else start
    if max(start, end) <= 0:
        raise UsageError(f"{text!r} sends nothing; a rate must be above 0.")
    return start, end


def stages(text: str) -> tuple[Phase, ...]:
    """Phases of ``10s:100,30s:1000`` or ``10s:0..500,1m:500``.

    Raises:
        UsageError: a stage is malformed.
    """
    phases = []
    for part in text.split(","):
        length, colon, rate = part.strip().partition(":")
        if not colon:
            raise UsageError(
                f"{part!r} is no stage; write DURATION:RATE, such as 10s:100,30s:100..1000."
            )
        start, end = (rate_rps("0"),) * 2 if rate.strip() == "0" else rate_range(rate)
        phases.append(Phase(duration_s(length), start, end))
    if all(max(phase.from_rps, phase.to_rps) == 0 for phase in phases):
        raise UsageError(f"{text!r} sends nothing; at least one stage needs a rate above 0.")
    return tuple(phases)


def header(text: str) -> tuple[str, str]:
    """Name and value of ``Name: value``.

    Raises:
        UsageError: it is no header line, or would smuggle in another one.
    """
    name, colon, value = text.partition(":")
    if not colon or not _TOKEN.fullmatch(name.strip()):
        raise UsageError(f"{text!r} is no header; write 'Name: value'.")
    if _NOT_IN_VALUES.search(value):
        raise UsageError(f"the value of header {name.strip()} holds control characters.")
    return name.strip(), value.strip()


def statuses(text: str) -> tuple[int, ...]:
    """Status codes of ``201``, ``200,404``, ``2xx``.

    Raises:
        UsageError: a code is outside 100 to 599.
    """
    codes: list[int] = []
    for part in text.split(","):
        word = part.strip().lower()
        if re.fullmatch(r"[1-5]xx", word):
            codes += range(int(word[0]) * 100, int(word[0]) * 100 + 100)
        elif re.fullmatch(r"[1-5][0-9][0-9]", word):
            codes.append(int(word))
        else:
            raise UsageError(f"{part!r} is no status; write 201, 200,404 or 2xx.")
    return tuple(codes)
