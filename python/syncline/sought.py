"""What a search was asked, as data that is kept with its run, and the same search again.

Sent the same outcomes, a search asks for the same trials: so a run that was ended is taken up
again by running its search anew, with what is kept for an answer as far as that goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from syncline import capacity, tune
from syncline.codec import from_json, to_json
from syncline.errors import PlanError
from syncline.search import Search
from syncline.trial import Case

Sought: TypeAlias = Mapping[str, object]
"""JSON data: ``kind`` and what that kind of search was given."""

CAPACITY, TUNING = "capacity", "tuning"


def of_capacity(asked: capacity.Asked, effort: capacity.Effort) -> Sought:
    """What :func:`again` needs to look for a capacity."""
    return {"kind": CAPACITY, "asked": to_json(asked), "effort": to_json(effort)}


def of_tuning(asked: tune.Asked) -> Sought:
    """What :func:`again` needs to look for a setting."""
    return {"kind": TUNING, "asked": to_json(asked)}


def again(case: Case, sought: Sought) -> Search[object]:
    """The search that was asked for.

    Raises:
        PlanError: it is of a kind, or has parameters, that this version does not know.
    """
    kind = sought.get("kind")
    if kind == CAPACITY:
        effort = from_json(capacity.Effort, sought.get("effort"), "sought.effort")
        asked = from_json(capacity.Asked, sought.get("asked"), "sought.asked")
        return capacity.capacity_search(case, asked, effort)
    if kind == TUNING:
        return tune.tune_search(case, tuning_asked(sought))
    raise PlanError(f"A newer Syncline made this run: no search of the kind {kind!r} is known.")


def tuning_asked(sought: Sought) -> tune.Asked:
    """What a search for a setting was given.

    Raises:
        PlanError: by another version.
    """
    return from_json(tune.Asked, sought.get("asked"), "sought.asked")
