"""How much of the machine others used during trials, as a comparison has to know it."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from syncline.outcome import Outcome

STEAL = "machine.steal_share"
OTHERS = "machine.others_share"
# From here on a comparison says it: others took as much as a difference worth knowing.
NOISY = 0.05


def disturbance(outcomes: Iterable[Outcome]) -> float | None:
    """The share of the machine's processors that others had, stolen time included.

    The mean over each trial, and of the trials the one with the most. None if nobody looked.
    """
    found = [share for outcome in outcomes if (share := _of_trial(outcome)) is not None]
    return max(found, default=None)


def _of_trial(outcome: Outcome) -> float | None:
    means = [
        fmean(values)
        for name in (STEAL, OTHERS)
        if (series := outcome.series.get(name)) is not None
        and (values := [value for value in series.value if value is not None])
    ]
    return sum(means) if means else None
