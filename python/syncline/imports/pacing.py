"""The pace of a log as phases of an open loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from syncline.plan import Phase

_BIN_S = 0.1
_MOST_PHASES = 100_000


def paced(at_s: Sequence[float], resolution_s: float, speed: float = 1.0) -> tuple[Phase, ...]:
    """Phases of constant rate that start as many requests in each short time as the log did.

    Instants are counted in bins of 100 ms (of the log's resolution, where that is coarser) and
    spread evenly within each: no request starts further than a bin from its instant.

    Args:
        at_s: instants since the first, in seconds.
        resolution_s: how exactly they are known.
        speed: 2 is twice as fast.
    """
    bin_s = max(_BIN_S, resolution_s / speed)
    last_s = max(at_s) / speed
    bin_s = max(bin_s, last_s / _MOST_PHASES)
    counts = Counter(int(instant / speed / bin_s + 1e-9) for instant in at_s)
    phases: list[Phase] = []
    for index in range(max(counts) + 1):
        rate = counts[index] / bin_s
        if phases and phases[-1].to_rps == rate:
            phases[-1] = Phase(phases[-1].duration_s + bin_s, rate, rate)
        else:
            phases.append(Phase(bin_s, rate, rate))
    return tuple(phases)
