"""Rules about the measurement itself: generator, steadiness, noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median, stdev

from syncline.diagnosis import names
from syncline.diagnosis.facts import died, stuck
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding, Fix
from syncline.judge import GENERATOR_REASON
from syncline.plan import ClosedLoop
from syncline.stats import A_START, rates, settling

_FEWEST = 9  # intervals in which a change can be told from chance
_CHANGE = 1.4
_ITS_CORE = 0.9  # of a core: a generator thread that uses so much of it has no more
_STEAL = 0.05
_OTHERS = 0.1
_SPREAD = 0.15


def generator_bound(view: View) -> Finding | None:
    """The generator judged itself to be the limit; not where others kept it from its core."""
    own, reasons = view.result.generator, _saturated(view)
    if not own.bottleneck and not reasons and "generator-bound" not in view.result.notes:
        return None
    if _held_up(view):
        return None
    return conclude(
        view,
        "generator-bound",
        "warning",
        "The load generator was the limit"
        + (f": {reasons[0].partition(': ')[2]}." if reasons else ", not the service."),
        signs=[
            sign(0.9, "said", reasons[0]) if reasons else None,
            sign(0.8, "busiest generator thread, share", own.cpu_share, _ITS_CORE)
            if own.cpu_share >= _ITS_CORE
            else None,
            sign(0.8, "its own verdict", "the limit") if own.bottleneck else None,
            sign(0.6, "noted", "generator-bound")
            if "generator-bound" in view.result.notes
            else None,
            sign(0.5, "unsent requests", own.unsent, 0) if own.unsent else None,
        ],
        fix=Fix("More generator threads on cores of their own, or a lower rate."),
    )


def held_up(view: View) -> Finding | None:
    """Others kept the generator from running: the measurement is spoilt, and not by its limits."""
    own = view.result.generator
    if not _held_up(view):
        return None
    reason = _saturated(view)[0]
    return conclude(
        view,
        "noisy",
        "warning",
        f"Others kept the load generator from running: {reason.partition(': ')[2]}.",
        signs=[
            sign(0.9, "said", reason),
            sign(0.5, "generator kept from running, s", own.starved_s, 0)
            if own.starved_s
            else None,
        ],
        fix=Fix("More repeats, or a quiet machine."),
    )


def _saturated(view: View) -> list[str]:
    return [r for r in view.outcome.validity.reasons if r.startswith(GENERATOR_REASON)]


def _held_up(view: View) -> bool:
    """Whether it was late, or stood still, with a core that it did not use up by itself."""
    reasons = _saturated(view)
    late = all("kept from running" in reason or "late" in reason for reason in reasons)
    return bool(reasons) and late and view.result.generator.cpu_share < _ITS_CORE


def not_steady(view: View) -> Finding | None:
    """The answers a second do not settle, or only after what is too long to be a start."""
    if not isinstance(view.trial.load.schedule, ClosedLoop) or stuck(view) or died(view):
        return None
    answers = rates(view.result.intervals)
    if len(answers) < _FEWEST:
        return None
    found = settling(answers)
    third = len(answers) // 3
    before, after = median(answers[:third]), median(answers[-third:])
    ratio = max(before, after) / max(min(before, after), 1e-9)
    if found is None or ratio < _CHANGE:
        return None
    start = found.cut / len(answers)
    if found.steady and start <= A_START:
        return None
    taken = (view.mean(names.STEAL) or 0.0) + (view.mean(names.OTHERS) or 0.0)
    lost = 1 - 1 / ratio
    return conclude(
        view,
        "not-steady",
        "warning",
        f"It went from {figure(before)} to {figure(after)} answers a second within the load.",
        signs=[
            sign(
                0.6, "answers a second, last third over first", after / max(before, 1e-9), _CHANGE
            ),
            sign(0.5, "time until it is steady, share of the load (MSER)", start, A_START)
            if found.steady
            else sign(0.5, "a steady part after a start (MSER)", "none", "one"),
        ],
        # Others' use of the processors explains as much of a change as they took of them.
        against=[sign(0.9, "CPU that others took, share", taken, lost / 2, None, "machine")]
        if taken >= lost / 2
        else [],
        fix=Fix("A longer run or warm-up; look at what changes meanwhile."),
    )


def stolen(view: View) -> Finding | None:
    """Others used the processors: the hypervisor's other guests, or programs beside Syncline."""
    steal, others = view.mean(names.STEAL), view.mean(names.OTHERS)
    said = [r for r in view.outcome.validity.reasons if "noisy" in r]
    signs: list[Sign | None] = [sign(0.8, "said", said[0]) if said else None]
    if steal is not None and steal >= _STEAL:
        signs.append(sign(0.7, "stolen CPU, share", steal, _STEAL, None, "machine"))
    if others is not None and others >= _OTHERS:
        signs.append(sign(0.7, "CPU of other programs, share", others, _OTHERS, None, "machine"))
    return conclude(
        view,
        "noisy",
        "info",
        "Others used this machine's processors during the load.",
        signs=signs,
        fix=Fix("More repeats, or a quiet machine."),
    )


def scattered(views: Sequence[View]) -> Iterator[Finding]:
    """Repeats of one trial that differ too widely for a comparison."""
    cells: dict[tuple[str, str, int], list[View]] = {}
    for view in views:
        if view.outcome.validity.status == "valid" and not stuck(view) and view.result.ok:
            key = view.variant, view.trial.load.name, view.level
            cells.setdefault(key, []).append(view)
    for repeats in cells.values():
        rates = sorted(view.result.throughput_rps for view in repeats)
        if len(rates) < 3 or not fmean(rates):
            continue
        spread = stdev(rates) / fmean(rates)
        if spread < _SPREAD:
            continue
        found = conclude(
            min(repeats, key=lambda view: view.trial.repeat),
            "noisy",
            "info",
            f"{len(rates)} repeats differ by {spread:.0%} of their mean.",
            signs=[sign(0.75, "spread of the repeats over their mean", spread, _SPREAD)],
            fix=Fix("More repeats, or a quiet machine."),
        )
        if found is not None:
            yield found
