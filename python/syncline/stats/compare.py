"""Every cell of a run's variants against the first one's, with a verdict where there can be one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncline.outcome import Outcome
from syncline.plan import OpenLoop, Schedule
from syncline.record import Comparison, Metric, Verdict
from syncline.stats.blocks import block_figures, block_interval
from syncline.stats.noise import disturbance
from syncline.stats.ratio import METHOD, Ratio, paired_ratio
from syncline.stats.words import verdict_words
from syncline.trial import Load, Trial

METRICS: tuple[Metric, ...] = ("throughput_rps", "p50_us", "p99_us")
BLOCKS = "blocks within one pair of trials: what differs between trials is not in it"

Repeats = Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class Cell:
    """The load under which two variants are compared: trials of one cell differ in nothing else.

    Attributes:
        load, connections, schedule: as in :class:`syncline.trial.Load`.
    """

    load: str
    connections: int
    schedule: Schedule

    @classmethod
    def of(cls, load: Load) -> Cell:
        """The cell that trials under a load belong to."""
        return cls(load.name, load.connections, load.schedule)

    @property
    def offered_rps(self) -> float | None:
        """The offered rate if it is a single one; None in closed loop."""
        if not isinstance(self.schedule, OpenLoop):
            return None
        ends = {end for phase in self.schedule.phases for end in (phase.from_rps, phase.to_rps)}
        return ends.pop() if len(ends) == 1 else None


def figure(outcome: Outcome, metric: Metric) -> float | None:
    """The figure of one trial; None if the trial has none that may be compared.

    Latency is response time in open loop and service time in closed loop, as reports show it.
    """
    result = outcome.result
    if result is None or outcome.validity.status == "invalid" or outcome.hang is not None:
        return None
    if metric == "throughput_rps":
        return result.throughput_rps or None
    times = result.response_time_us or result.service_time_us
    if times is None:
        return None
    return times.p50 if metric == "p50_us" else times.p99


def log_ratios(baseline: Repeats, candidate: Repeats, metric: Metric) -> tuple[float, ...]:
    """The logarithms of candidate over baseline, of repeats that both have a figure of."""
    found = []
    for repeat in sorted(baseline.keys() & candidate.keys()):
        below, above = figure(baseline[repeat], metric), figure(candidate[repeat], metric)
        if below and above:
            found.append(math.log(above / below))
    return tuple(found)


def cells(trials: Sequence[tuple[Trial, Outcome]]) -> dict[Cell, dict[str, dict[int, Outcome]]]:
    """Outcomes by cell, by the variant's name and by repeat, in the order of the trials."""
    found: dict[Cell, dict[str, dict[int, Outcome]]] = {}
    for trial, outcome in trials:
        cell = found.setdefault(Cell.of(trial.load), {})
        cell.setdefault(trial.variant.name, {})[trial.repeat] = outcome
    return found


def compare(
    trials: Sequence[tuple[Trial, Outcome]], baseline: str | None = None
) -> tuple[Comparison, ...]:
    """Every cell of every variant against the baseline's cell under the same load.

    Repeats are paired by their number; a pair of which one trial has no figure is left out.

    Args:
        baseline: the variant that the others are compared to; by default the first trial's,
            which is the first that was asked for, in whatever order later rounds ran.
    """
    if not trials:
        return ()
    base = baseline or trials[0][0].variant.name
    return tuple(
        compare_repeats(cell, metric, (base, variants[base]), (name, repeats))
        for cell, variants in cells(trials).items()
        if base in variants
        for name, repeats in variants.items()
        if name != base
        for metric in METRICS
    )


def compare_repeats(
    cell: Cell, metric: Metric, baseline: tuple[str, Repeats], candidate: tuple[str, Repeats]
) -> Comparison:
    """Two variants under one load, in one metric.

    Args:
        baseline, candidate: name and outcomes by repeat.
    """
    ratio = paired_ratio(log_ratios(baseline[1], candidate[1], metric))
    blocks = None
    if ratio is not None and ratio.interval is None:
        blocks = _within(baseline[1], candidate[1], metric)
    both = (*baseline[1].values(), *candidate[1].values())
    verdict = _verdict(metric, ratio)
    others = disturbance(both)
    return Comparison(
        load=cell.load,
        connections=cell.connections,
        metric=metric,
        baseline=baseline[0],
        candidate=candidate[0],
        ratio=ratio.value if ratio else None,
        interval=ratio.interval if ratio else None,
        verdict=verdict,
        reason=_reason(ratio, baseline, candidate),
        offered_rps=cell.offered_rps,
        pairs=ratio.pairs if ratio else 0,
        could_have_seen=ratio.could_have_seen if ratio else None,
        method=METHOD if ratio and ratio.interval else BLOCKS if blocks else "",
        within=blocks,
        others_share=others,
        words=verdict_words(verdict, ratio, others),
    )


def _within(baseline: Repeats, candidate: Repeats, metric: Metric) -> tuple[float, float] | None:
    for repeat in baseline.keys() & candidate.keys():
        below, above = baseline[repeat].result, candidate[repeat].result
        if below is not None and above is not None:
            return block_interval(block_figures(below, metric), block_figures(above, metric))
    return None


def _verdict(metric: Metric, ratio: Ratio | None) -> Verdict | None:
    if ratio is None or ratio.interval is None:
        return None
    low, high = ratio.interval
    if low <= 1 <= high:
        return "no difference shown"
    return "better" if (low > 1) == (metric == "throughput_rps") else "worse"


def _reason(ratio: Ratio | None, *variants: tuple[str, Repeats]) -> str:
    if ratio is not None:
        single = "one measurement of each: the noise is not known"
        return "" if ratio.interval is not None else single
    for name, repeats in variants:
        if any(outcome.hang is not None for outcome in repeats.values()):
            return f"{name} hung"
    for name, repeats in variants:
        for outcome in repeats.values():
            if outcome.validity.reasons:
                return f"{name} is not valid: {outcome.validity.reasons[0]}"
    return "no answers to compare"
