"""Two runs against each other: the same variant under the same load, cell by cell.

Repeats are paired by their number. Repeats of two runs are independent of each other, so the
pairing neither helps nor harms: the interval is valid, if a little wide. What it cannot hold is
what changed between the runs beside the service, which is why runs that are to be compared closely
belong on one machine, one soon after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from syncline.codec import to_json
from syncline.judge import blame
from syncline.outcome import Outcome
from syncline.record import Comparison, Metric, RunRecord, Verdict
from syncline.stats import METRICS, Cell, cells, figure
from syncline.stats.compare import compare_repeats

Repeats = Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class CellChange:
    """One variant under one load in two runs, in one metric.

    Attributes:
        before, after: the figures, medians over the repeats that count; None without any.
        comparison: of the second run against the first; its names are the runs' ids.
    """

    variant: str
    before: float | None
    after: float | None
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that two runs say of each other.

    Attributes:
        baseline, candidate: the runs' ids.
        changes: the cells that both have, in the candidate's order.
        unmatched: cells that only one of them has, in words.
    """

    baseline: str
    candidate: str
    changes: tuple[CellChange, ...]
    unmatched: tuple[str, ...]


def between(baseline: RunRecord, candidate: RunRecord) -> Change:
    """The candidate's cells against the baseline's."""
    before, after = (cells(record.of_phase("sweep")) for record in (baseline, candidate))
    changes = tuple(
        _change(
            cell, variant, metric, (baseline.id, before[cell][variant]), (candidate.id, repeats)
        )
        for cell, variants in after.items()
        for variant, repeats in variants.items()
        if variant in before.get(cell, {})
        for metric in METRICS
    )
    return Change(
        baseline.id,
        candidate.id,
        changes,
        (
            *_lacking(before, after, f"only in {baseline.id}"),
            *_lacking(after, before, f"only in {candidate.id}"),
        ),
    )


def change_json(change: Change) -> dict[str, Any]:
    """``{"baseline": id, "candidate": id, "comparisons": [{…, "verdict": …}, …], …}``."""
    return {
        "schema": 1,
        "baseline": change.baseline,
        "candidate": change.candidate,
        "comparisons": [
            {
                "variant": one.variant,
                "baseline_value": one.before,
                "candidate_value": one.after,
                **to_json(one.comparison),
            }
            for one in change.changes
        ],
        "unmatched": list(change.unmatched),
    }


def _change(
    cell: Cell,
    variant: str,
    metric: Metric,
    baseline: tuple[str, Repeats],
    candidate: tuple[str, Repeats],
) -> CellChange:
    # The one place that asks the statistics.
    found = compare_repeats(cell, metric, baseline, candidate)
    if found.verdict is None:
        verdict = _without_interval(found, baseline[1], candidate[1])
        found = replace(found, verdict=verdict)
    return CellChange(variant, _figure(baseline[1], metric), _figure(candidate[1], metric), found)


def _without_interval(found: Comparison, before: Repeats, after: Repeats) -> Verdict | None:
    """What can be said although the noise is not known, or one side has no figure."""
    if found.ratio is not None:
        return "no difference shown"
    broke = [any(blame(one) == "service" for one in side.values()) for side in (before, after)]
    works = [any(figure(one, found.metric) for one in side.values()) for side in (before, after)]
    if broke[1] and works[0]:
        return "worse"
    if broke[0] and works[1]:
        return "better"
    return None


def _figure(repeats: Repeats, metric: Metric) -> float | None:
    figures = [value for one in repeats.values() if (value := figure(one, metric)) is not None]
    return median(figures) if figures else None


def _lacking(
    mine: Mapping[Cell, Mapping[str, object]],
    other: Mapping[Cell, Mapping[str, object]],
    where: str,
) -> tuple[str, ...]:
    return tuple(
        f"{variant} under {cell.load} at {cell.connections} connections: {where}"
        for cell, variants in mine.items()
        for variant in variants
        if variant not in other.get(cell, {})
    )
