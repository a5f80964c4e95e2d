"""What a fix did, from the trials of its verification alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, geometric_mean, median
from typing import Literal

from syncline.finding import Contrast, Finding, Side, SideEffect, Status, Verification
from syncline.outcome import Outcome
from syncline.plan import OpenLoop
from syncline.record import Metric
from syncline.stats import Ratio, figure, paired_ratio
from syncline.trial import Trial
from syncline.verify.search import question
from syncline.verify.symptoms import broke, counts, errors, shows, why_not

Measured = Sequence[tuple[Trial, Outcome]]

# By preference: what the service itself holds open, else all sessions of the database.
_CONNECTIONS = ("probe.pool_open", "postgres.sessions", "mariadb.sessions")
_LUCK = 0.125  # with what chance at most as many trials of the original had all been good
_MEMORY = ("process.rss_bytes",)


def verified(findings: Sequence[Finding], measured: Measured) -> tuple[Finding, ...]:
    """The findings with what their fixes did, as far as that was tried.

    Args:
        measured: the trials of a run; those of a verification know by themselves whose.
    """
    return tuple(
        replace(one, verification=_verification(one, mine)) if mine else one
        for one in findings
        for mine in [_of(one, measured)]
    )


def _of(finding: Finding, measured: Measured) -> Measured:
    about = question(finding)
    return [pair for pair in measured if pair[0].phase == "verification" and pair[0].about == about]


def _verification(finding: Finding, mine: Measured) -> Verification | None:
    fixed = next((trial for trial, _ in mine if trial.variant.name != finding.variant), None)
    if fixed is None:
        return None  # interrupted before the fix had its turn
    metric: Literal["throughput_rps", "p99_us"] = (
        "p99_us"
        if isinstance(fixed.load.schedule, OpenLoop)
        else finding.fix.metric
        if finding.fix is not None
        else "throughput_rps"
    )
    by_load: dict[tuple[str, int], list[tuple[Trial, Outcome]]] = {}
    for trial, outcome in mine:
        by_load.setdefault((trial.load.name, trial.load.connections), []).append((trial, outcome))
    levels = [_contrast(finding, trials, metric) for trials in by_load.values()]
    paired = [one for one in levels if one.original is not None]
    if not paired:
        return None
    main = max(paired, key=lambda one: one.level)
    others = [one for one in levels if one is not main]
    compared = next((one for one in (main, *paired) if one.ratio is not None), None)
    return Verification(
        status=_overall(finding, main, others),
        ratio=compared.ratio if compared else None,
        interval=compared.interval if compared else None,
        ratio_level=compared.level if compared else None,
        metric=metric,
        imposed=_imposed(finding, mine),
        levels=(main, *others),
        side_effects=_side_effects(finding, by_load[main.load, main.level], main.level),
    )


def _overall(finding: Finding, main: Contrast, others: Sequence[Contrast]) -> Status:
    cures = finding.fix is None or finding.fix.cures
    if main.status == "fixed" and any(_breaks_anew(one) for one in others):
        return "made worse"
    if main.status == "fixed" and not cures:
        return "improved"
    return main.status


def _breaks_anew(one: Contrast) -> bool:
    return one.original is not None and one.fixed.broke > 0 and one.original.broke == 0


def _contrast(finding: Finding, trials: Measured, metric: Metric) -> Contrast:
    sides: tuple[dict[int, Outcome], dict[int, Outcome]] = ({}, {})
    left_out = []
    for trial, outcome in trials:
        if counts(outcome):
            sides[trial.variant.name != finding.variant][trial.repeat] = outcome
        else:
            left_out.append(f"{trial.variant.name}: {why_not(outcome)}")
    original, fixed = sides
    alone = all(trial.variant.name != finding.variant for trial, _ in trials)
    pairs = sorted(original.keys() & fixed.keys())
    of_trial = {id(outcome): trial for trial, outcome in trials}
    before = _side(finding, [(of_trial[id(o)], o) for o in original.values()])
    after = _side(finding, [(of_trial[id(o)], o) for o in fixed.values()])
    ratio = None
    if not before.broke and not after.broke:
        logs = [_log_ratio(original[pair], fixed[pair], metric) for pair in pairs]
        ratio = paired_ratio([log for log in logs if log is not None])
    load = trials[0][0].load
    return Contrast(
        load=load.name,
        level=load.connections,
        original=None if alone else before,
        fixed=after,
        pairs=len(pairs),
        left_out=tuple(dict.fromkeys(left_out)),
        ratio=ratio.value if ratio else None,
        interval=ratio.interval if ratio else None,
        could_have_seen=ratio.could_have_seen if ratio else None,
        status=_status(before, after, ratio, metric, alone=alone),
    )


def _status(
    before: Side, after: Side, ratio: Ratio | None, metric: Metric, *, alone: bool
) -> Status:
    if alone or not before.trials or not after.trials:
        return "not measured"
    if before.broke and not after.broke:
        # Where the original broke now and then only, a few good trials may be luck.
        luck = (1 - before.broke / before.trials) ** after.trials
        return "fixed" if luck <= _LUCK else "no difference shown"
    if after.broke:
        return "no difference shown" if before.broke else "made worse"
    if ratio is None or ratio.interval is None or ratio.interval[0] <= 1 <= ratio.interval[1]:
        return "no difference shown"
    more = ratio.interval[0] > 1
    return "improved" if more == (metric == "throughput_rps") else "made worse"


def _side(finding: Finding, trials: Measured) -> Side:
    results = [outcome.result for _, outcome in trials if outcome.result is not None]
    rates = [result.throughput_rps for result in results]
    broken = sum(broke(outcome) for _, outcome in trials)
    known = paired_ratio([math.log(rate) for rate in rates]) if rates and min(rates) > 0 else None
    tails = [tail for _, outcome in trials if (tail := figure(outcome, "p99_us"))]
    return Side(
        trials=len(trials),
        broke=broken,
        shows=sum(shows(finding, *pair) for pair in trials),
        rate_rps=known.value if known else 0.0 if rates else None,
        interval=known.interval if known and not broken else None,
        errors=max(map(errors, results), default=0.0),
        p99_us=geometric_mean(tails) if tails and len(tails) == len(trials) else None,
    )


def _log_ratio(original: Outcome, fixed: Outcome, metric: Metric) -> float | None:
    below, above = figure(original, metric), figure(fixed, metric)
    return math.log(above / below) if below and above else None


def _imposed(finding: Finding, mine: Measured) -> Mapping[str, str]:
    """What the fixed variant has imposed beyond what the original had already."""
    sides: dict[bool, Mapping[str, str]] = {
        trial.variant.name == finding.variant: trial.variant.what_ifs for trial, _ in mine
    }
    before = sides.get(True, {})
    return {name: value for name, value in sides[False].items() if before.get(name) != value}


def _side_effects(finding: Finding, trials: Measured, level: int) -> tuple[SideEffect, ...]:
    found = []
    for metric, unit, names in (
        ("memory", "bytes", _MEMORY),
        ("database connections", "1", _CONNECTIONS),
    ):
        original = _middle(names, (o for t, o in trials if t.variant.name == finding.variant))
        fixed = _middle(names, (o for t, o in trials if t.variant.name != finding.variant))
        if original is not None and fixed is not None:
            found.append(SideEffect(metric, unit, level, original, fixed))
    return tuple(found)


def _middle(names: Sequence[str], outcomes: Iterable[Outcome]) -> float | None:
    """The median over trials of a quantity's mean: of the first name that was seen."""
    means = [mean for one in outcomes if counts(one) and (mean := _mean(names, one)) is not None]
    return median(means) if means else None


def _mean(names: Sequence[str], outcome: Outcome) -> float | None:
    for name in names:
        series = outcome.series.get(name)
        values = [value for value in series.value if value is not None] if series else []
        if values:
            return fmean(values)
    return None
