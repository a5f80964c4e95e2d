"""Capacity: the highest constant rate at which a service meets an objective.

The search is a generator of trials (:func:`capacity_search`); what it found is told from the
trials alone (:func:`capacities`), so a kept run answers as well as a fresh one.
"""

from syncline.capacity.answer import Capacity, LevelPoint, capacities, rate_words, sentence
from syncline.capacity.limit import Limit
from syncline.capacity.search import (
    LEVELS,
    QUICK_LEVELS,
    Asked,
    Effort,
    capacity_search,
    checked,
    shortest_s,
)
from syncline.capacity.steps import Step, Verdict, figure, judged, words

__all__ = [
    "LEVELS",
    "QUICK_LEVELS",
    "Asked",
    "Capacity",
    "Effort",
    "LevelPoint",
    "Limit",
    "Step",
    "Verdict",
    "capacities",
    "capacity_search",
    "checked",
    "figure",
    "judged",
    "rate_words",
    "sentence",
    "shortest_s",
    "words",
]
