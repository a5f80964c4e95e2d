"""A comparison in a few words that claim no more than was measured."""

from __future__ import annotations

from syncline.record import Verdict
from syncline.stats.noise import NOISY
from syncline.stats.ratio import Ratio


def verdict_words(verdict: Verdict | None, ratio: Ratio | None, others: float | None) -> str:
    """``better: 1.12 (1.08 to 1.16)``, ``no difference shown (could have seen 4 %)``.

    Args:
        others: the share of the machine that others used meanwhile; said if it matters.
    """
    if ratio is None or ratio.interval is None or verdict is None:
        return ""
    noisy = others is not None and others >= NOISY
    busy = f"; others used {percent(others or 0)} of the machine" if noisy else ""
    if verdict == "no difference shown":
        seen = ratio.could_have_seen
        could = "" if seen is None else f"could have seen {percent(seen)}"
        return f"no difference shown ({could}{busy})"
    low, high = ratio.interval
    return f"{verdict}: {ratio.value:.3g} ({low:.3g} to {high:.3g}{busy})"


def percent(share: float) -> str:
    """``4 %``, ``0.7 %``; beyond what can be meant, ``over 1000 %``."""
    value = 100 * share
    if value > 1000:
        return "over 1000 %"
    return f"{value:.0f} %" if value >= 9.5 else f"{value:.1g} %" if value < 1 else f"{value:.2g} %"
