"""What measurements say of each other, and how surely: ratios, intervals, verdicts, steadiness."""

from __future__ import annotations

from syncline.stats.compare import METRICS, Cell, cells, compare, figure, log_ratios
from syncline.stats.ratio import Ratio, paired_ratio, ratio_interval
from syncline.stats.steady import A_START, Settling, rates, settling

__all__ = [
    "A_START",
    "METRICS",
    "Cell",
    "Ratio",
    "Settling",
    "cells",
    "compare",
    "figure",
    "log_ratios",
    "paired_ratio",
    "rates",
    "ratio_interval",
    "settling",
]
