"""How an experiment is laid out: rounds and their order, time, budget, precision, selection."""

from __future__ import annotations

from syncline.design.budget import within_budget
from syncline.design.estimate import time_s
from syncline.design.names import selected, trial_name
from syncline.design.precise import shortfalls, until_precise
from syncline.design.rounds import repeated, round_of

__all__ = [
    "repeated",
    "round_of",
    "selected",
    "shortfalls",
    "time_s",
    "trial_name",
    "until_precise",
    "within_budget",
]
