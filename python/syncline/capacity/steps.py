"""A step: one window at one constant rate, and whether the objective was met in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from syncline.judge import GENERATOR_REASON, OVERLOAD_REASON, SERVICE_REASONS
from syncline.objective import SHARES, Bound, describe, holds, measure
from syncline.outcome import LoadResult, Outcome

Verdict = Literal["met", "missed", "unknown"]

# A service that ends the window with more requests unanswered than it began it with does not hold
# the rate, however good its answers so far are. This share of the planned ones is nothing yet.
_BEHIND = 0.03
_FEW = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step.

    Attributes:
        rate_rps: the constant rate that was offered.
        verdict: ``unknown`` if the measurement, not the service, was to blame.
        why: what was missed, or why it is not known; empty if it was met.
        throughput_rps: successful answers per second; None if no load was run.
        values: of each bound of the objective, as :func:`syncline.objective.measure` gives it.
        restarted: whether the service broke, so that the next step meets a fresh one.
    """

    rate_rps: float
    verdict: Verdict
    why: str
    throughput_rps: float | None
    values: tuple[float | None, ...]
    restarted: bool = False


def judged(rate_rps: float, bounds: Sequence[Bound], outcome: Outcome) -> Step:
    """Whether a rate was borne in one window.

    Response times run from the planned instants, so a generator that is late counts against the
    service: what was met all the same stands, what was missed then is not known.
    """
    result = outcome.result
    if result is None:
        why = "; ".join(outcome.validity.reasons) or "no load was run"
        return Step(rate_rps, "unknown", why, None, (None,) * len(bounds))
    values = tuple(measure(bound.quantity, result) for bound in bounds)
    broke = outcome.hang is not None or outcome.service.status is not None
    verdict, why = _verdict(bounds, values, outcome, result)
    return Step(rate_rps, verdict, why, result.throughput_rps, values, broke)


def _verdict(
    bounds: Sequence[Bound],
    values: Sequence[float | None],
    outcome: Outcome,
    result: LoadResult,
) -> tuple[Verdict, str]:
    if outcome.hang is not None:
        return "missed", f"no answer for {outcome.hang.longest_s:.2g} s"
    reasons = outcome.validity.reasons
    for text in reasons:
        if text.startswith(SERVICE_REASONS):
            return "missed", text
    excused = [text for text in reasons if not text.startswith(OVERLOAD_REASON)]
    missed = _missed(bounds, values) or _behind(result, reasons)
    foreign = [text for text in excused if not text.startswith(GENERATOR_REASON)]
    if foreign:
        return "unknown", foreign[0]
    if not missed:
        return "met", ""
    return ("unknown", excused[0]) if excused else ("missed", missed)


def _missed(bounds: Sequence[Bound], values: Sequence[float | None]) -> str:
    for bound, value in zip(bounds, values, strict=True):
        if value is None:
            return f"nothing was answered that {bound.quantity} could be told from"
        if not holds(bound, value):
            return f"{bound.quantity} was {figure(bound, value)}"
    return ""


def _behind(result: LoadResult, reasons: Sequence[str]) -> str:
    for text in reasons:
        if text.startswith(OVERLOAD_REASON):
            return text
    behind = result.generator.unsent + result.in_flight - _unanswered_before(result)
    times = result.service_time_us
    under_way = result.throughput_rps * times.mean / 1e6 if times is not None else 0.0
    # Of a service that answers at random as many more or fewer are under way at any instant.
    usual = 2 * math.sqrt(under_way)
    if times is not None and times.p50 / 1e6 > sum(
        one.end_s - one.start_s for one in result.intervals if one.warmup
    ):
        # Its first answers were not due when the window began.
        usual += 2 * result.throughput_rps * times.p99 / 1e6
    if behind > _FEW + usual + _BEHIND * (result.planned or 0):
        return (
            f"it fell behind: {behind} of {result.planned} requests more had no answer at the end"
        )
    return ""


def _unanswered_before(result: LoadResult) -> int:
    """Requests that the window began with: in flight, and waiting for a free connection."""
    waiting = [one.queued for one in result.intervals if one.warmup][-1:]
    return result.carried_in + sum(waiting)


def figure(bound: Bound, value: float) -> str:
    """A measured value in the unit of its bound: ``81.2 ms``, ``3.1 %``."""
    if bound.quantity in SHARES:
        return f"{value * 100:.2g} %"
    scale, unit = (1e6, "s") if value >= 1e6 else (1e3, "ms") if value >= 1e3 else (1, "us")
    return f"{value / scale:.3g} {unit}"


def words(bounds: Sequence[Bound]) -> str:
    """The objective as it is spelled; what the trials of its search are known by."""
    return ", ".join(describe(bound) for bound in bounds)
