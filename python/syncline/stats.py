"""Ratios of two variants under the same load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from syncline.outcome import Outcome
from syncline.record import Comparison, Metric, Verdict
from syncline.trial import Trial

METRICS: tuple[Metric, ...] = ("throughput_rps", "p50_us", "p99_us")

# Student's t, two-sided 95 %, for 1, 2, 3 ... degrees of freedom (any table of it).
_T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def figure(outcome: Outcome, metric: Metric) -> float | None:
    """The figure of one trial; None if the trial has none that may be compared."""
    result = outcome.result
    if result is None or outcome.validity.status == "invalid" or outcome.hang is not None:
        return None
    if metric == "throughput_rps":
        return result.throughput_rps or None
    times = result.service_time_us
    if times is None:
        return None
    return times.p50 if metric == "p50_us" else times.p99


def ratio_interval(log_ratios: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % confidence interval of a ratio, from the logarithms of paired ratios.

    Student's t on the logarithms; None with fewer than two pairs.
    """
    if len(log_ratios) < 2:
        return None
    degrees = len(log_ratios) - 1
    t = _T_95[min(degrees, len(_T_95)) - 1]
    middle = fmean(log_ratios)
    half = t * stdev(log_ratios) / math.sqrt(len(log_ratios))
    return math.exp(middle - half), math.exp(middle + half)


def compare(trials: Sequence[tuple[Trial, Outcome]]) -> tuple[Comparison, ...]:
    """Every cell of every variant against the first variant's cell under the same load.

    Repeats are paired by their number; a pair of which one trial has no figure is left out.
    """
    cells: dict[tuple[str, int], dict[str, dict[int, Outcome]]] = {}
    for trial, outcome in trials:
        cell = cells.setdefault((trial.load.name, trial.load.connections), {})
        cell.setdefault(trial.variant.name, {})[trial.repeat] = outcome
    if not trials:
        return ()
    baseline = trials[0][0].variant.name
    return tuple(
        _compare_cell(load, connections, metric, (baseline, cell[baseline]), (name, repeats))
        for (load, connections), cell in cells.items()
        if baseline in cell
        for name, repeats in cell.items()
        if name != baseline
        for metric in METRICS
    )


def _compare_cell(
    load: str,
    connections: int,
    metric: Metric,
    baseline: tuple[str, dict[int, Outcome]],
    candidate: tuple[str, dict[int, Outcome]],
) -> Comparison:
    logs = []
    for repeat in sorted(baseline[1].keys() & candidate[1].keys()):
        below = figure(baseline[1][repeat], metric)
        above = figure(candidate[1][repeat], metric)
        if below and above:
            logs.append(math.log(above / below))
    ratio = math.exp(fmean(logs)) if logs else None
    interval = ratio_interval(logs)
    return Comparison(
        load=load,
        connections=connections,
        metric=metric,
        baseline=baseline[0],
        candidate=candidate[0],
        ratio=ratio,
        interval=interval,
        verdict=_verdict(metric, interval),
        reason=_reason(ratio, interval, baseline, candidate),
    )


def _verdict(metric: Metric, interval: tuple[float, float] | None) -> Verdict | None:
    if interval is None:
        return None
    low, high = interval
    if low <= 1 <= high:
        return "no difference shown"
    return "better" if (low > 1) == (metric == "throughput_rps") else "worse"


def _reason(
    ratio: float | None,
    interval: tuple[float, float] | None,
    *variants: tuple[str, dict[int, Outcome]],
) -> str:
    if ratio is not None:
        return "" if interval is not None else "one measurement of each: the noise is not known"
    for name, repeats in variants:
        if any(outcome.hang is not None for outcome in repeats.values()):
            return f"{name} hung"
    for name, repeats in variants:
        for outcome in repeats.values():
            if outcome.validity.reasons:
                return f"{name} is not valid: {outcome.validity.reasons[0]}"
    return "no answers to compare"
