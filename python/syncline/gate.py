"""Objectives held against a run, cell by cell: met, missed, not decided, or not measured.

A bound is judged by the median over the repeats that count, errors by their mean. A drift is
judged by the 95 % interval of the ratio to the baseline: missed if all of it lies beyond what is
allowed, met if none of it does; in between the noise is too great to tell. With one measurement
of each the noise is not known, and the ratio alone decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from syncline.baseline import Baseline, BaselineCell, baseline_of
from syncline.errors import UsageError
from syncline.judge import blame
from syncline.objective import (
    SHARES,
    Absence,
    Bound,
    Drift,
    Objective,
    Scope,
    describe,
    holds,
    measure,
)
from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.stats import Cell, Ratio, cells, paired_ratio

Status = Literal["met", "missed", "undecided", "invalid"]
_GRAVITY = {"info": 0, "warning": 1, "error": 2}
_Place = tuple[str, Cell, tuple[Outcome, ...]]


@dataclass(frozen=True, slots=True)
class Check:
    """One objective in one cell.

    Attributes:
        objective: in its usual spelling.
        place: the cell in words, or the whole run.
        measured: the quantity, in the unit of :attr:`syncline.objective.Bound.limit`; for a
            drift the ratio to the baseline; None for findings and where nothing was measured.
        interval: of a drift's ratio.
        detail: what a person must know of it, in words; may be empty.
    """

    objective: str
    place: str
    status: Status
    quantity: str = ""
    measured: float | None = None
    interval: tuple[float, float] | None = None
    detail: str = ""


def check(
    objectives: Sequence[Objective], record: RunRecord, baseline: Baseline | None
) -> tuple[Check, ...]:
    """Every objective in every cell that it is about.

    Raises:
        UsageError: an objective is about no cell of the run, or lacks its baseline.
    """
    return tuple(found for one in objectives for found in _check(one, record, baseline))


def exit_code(checks: Sequence[Check], *, strict: bool = False) -> int:
    """1 if an objective is missed, else 3 if one could not be judged, else 0.

    Args:
        strict: what the noise leaves undecided counts as not judged.
    """
    found = {one.status for one in checks}
    if "missed" in found:
        return 1
    return 3 if "invalid" in found or (strict and "undecided" in found) else 0


def _check(objective: Objective, record: RunRecord, baseline: Baseline | None) -> Iterator[Check]:
    if isinstance(objective, Absence):
        yield _absence(objective, record)
        return
    places = [place for place in _places(record) if _fits(objective.scope, *place[:2])]
    if not places:
        had = ", ".join(dict.fromkeys(_words(*place[:2]) for place in _places(record)))
        raise UsageError(
            f"{describe(objective)!r} is about nothing in run {record.id}; it has: {had or 'none'}."
        )
    for variant, cell, outcomes in places:
        if isinstance(objective, Bound):
            yield _bound(objective, _words(variant, cell), outcomes)
        else:
            if baseline is None:
                raise UsageError(f"{describe(objective)!r} needs --baseline.")
            mine = baseline_of(record).find(variant, cell)
            theirs = baseline.find(variant, cell)
            yield _drift(objective, _words(variant, cell), mine, theirs)


def _places(record: RunRecord) -> list[_Place]:
    return [
        (variant, cell, tuple(repeats.values()))
        for cell, variants in cells(record.of_phase("sweep")).items()
        for variant, repeats in variants.items()
    ]


def _fits(scope: Scope, variant: str, cell: Cell) -> bool:
    return (
        scope.variant in (None, variant)
        and scope.load in (None, cell.load)
        and scope.connections in (None, cell.connections)
        and scope.rate_rps in (None, cell.offered_rps)
    )


def _bound(bound: Bound, place: str, outcomes: Sequence[Outcome]) -> Check:
    text = describe(bound)
    hung = [one for one in outcomes if one.hang is not None]
    if hung:
        return Check(text, place, "missed", bound.quantity, detail="it hung")
    broke = [one for one in outcomes if blame(one) == "service"]
    if broke and bound.quantity not in SHARES:
        return Check(text, place, "missed", bound.quantity, detail=broke[0].validity.reasons[0])
    values = [
        value
        for one in outcomes
        if blame(one) != "measurement"
        and one.result is not None
        and (value := measure(bound.quantity, one.result)) is not None
    ]
    if not values:
        reasons = [text for one in outcomes for text in one.validity.reasons]
        detail = reasons[0] if reasons else "nothing was answered"
        status: Status = "missed" if broke else "invalid"
        return Check(text, place, status, bound.quantity, detail=detail)
    value = fmean(values) if bound.quantity in SHARES else median(values)
    lost = len(outcomes) - len(values)
    return Check(
        text,
        place,
        "met" if holds(bound, value) else "missed",
        bound.quantity,
        value,
        detail=f"{lost} of {len(outcomes)} repeats are not valid" if lost else "",
    )


def _drift(
    drift: Drift, place: str, mine: BaselineCell | None, theirs: BaselineCell | None
) -> Check:
    def checked(
        status: Status, detail: str, ratio: float | None = None, interval: object = None
    ) -> Check:
        limits = interval if isinstance(interval, tuple) else None
        return Check(describe(drift), place, status, drift.quantity, ratio, limits, detail)

    if theirs is None:
        return checked("invalid", "the baseline has no such cell")
    if mine is not None and mine.stopped:
        if theirs.stopped:
            return checked("met", f"it {mine.stopped}, as in the baseline")
        return checked("missed", f"it {mine.stopped}; in the baseline it answered")
    found = _ratio(mine, theirs, drift.quantity)
    if found is None:
        if theirs.stopped:
            return checked("met", f"it answers; in the baseline it {theirs.stopped}")
        side = "the baseline" if not theirs.figures.get(drift.quantity) else "the run"
        return checked("invalid", f"{side} has no valid {drift.quantity} here")
    if found.interval is None:
        met = _within(drift, found.value)
        note = "one measurement of each: the noise is not known"
        return checked("met" if met else "missed", note, found.value)
    ends = [_within(drift, end) for end in found.interval]
    status: Status = "met" if all(ends) else "undecided" if any(ends) else "missed"
    note = "the noise is too great to tell; more repeats would" if status == "undecided" else ""
    return checked(status, note, found.value, found.interval)


def _ratio(mine: BaselineCell | None, theirs: BaselineCell, quantity: str) -> Ratio | None:
    after = mine.figures.get(quantity, ()) if mine else ()
    # Repeats of two runs are independent: whichever are paired, the interval is valid.
    pairs = zip(theirs.figures.get(quantity, ()), after, strict=False)
    return paired_ratio([math.log(new / old) for old, new in pairs])


def _within(drift: Drift, ratio: float) -> bool:
    if drift.quantity == "throughput":
        return ratio >= 1 - drift.tolerance
    return ratio <= 1 + drift.tolerance


def _absence(absence: Absence, record: RunRecord) -> Check:
    scope = absence.scope
    if scope.rate_rps is not None:
        raise UsageError(
            f"{describe(absence)!r}: a finding is of a variant, a load and its connections; "
            "say 'for VARIANT', 'under LOAD' or 'at N connections' only."
        )
    standing = [
        one
        for one in record.findings
        if (absence.code is None or one.code == absence.code)
        and _GRAVITY[one.severity] >= _GRAVITY[absence.severity]
        and scope.variant in (None, one.variant)
        and scope.connections in (None, one.level)
        and scope.load in (None, one.load)
    ]
    said = "; ".join(f"{one.code}: {one.variant} at {one.level}" for one in standing)
    measured = any(outcome.result is not None for _, outcome in record.trials)
    status: Status = "missed" if standing else "met" if measured else "invalid"
    return Check(describe(absence), "the run", status, "findings", detail=said)


def _words(variant: str, cell: Cell) -> str:
    rate = f", {cell.offered_rps:g} req/s" if cell.offered_rps is not None else ""
    plural = "" if cell.connections == 1 else "s"
    return f"{variant}, {cell.load}, {cell.connections} connection{plural}{rate}"
