"""What a search for capacities found, told from its trials alone, and said in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncline.capacity.limit import Limit, limit_of
from syncline.capacity.steps import Step, judged
from syncline.capacity.threshold import Belief, believe
from syncline.objective import Bound, parse_objectives
from syncline.outcome import Outcome
from syncline.plan import OpenLoop
from syncline.search import Measured
from syncline.trial import Trial
from syncline.usl import Usl, fit

# Where a threshold may be, as shares of what the closed loop got out of the service.
_LOWEST, _GUESS, _HIGHEST = 1 / 64, 0.8, 2.0


@dataclass(frozen=True, slots=True)
class LevelPoint:
    """One level of the sweep.

    Attributes:
        throughput_rps: None if the service hung, or the measurement is not valid.
        note: why it is None.
    """

    connections: int
    throughput_rps: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The highest constant rate at which a variant meets the objective.

    Attributes:
        objective: as it is spelled.
        rate_rps: None if no rate that was tried meets it, or nothing could be measured.
        interval: where it is with 95 % probability; None with ``rate_rps``, or if it is a bound.
        at_least: whether all that was tried was met: the capacity is ``rate_rps`` or more.
        why_none: why there is no rate; empty if there is one.
        limit: what gives out beyond; None if it was not seen.
        steps: in the order in which they ran.
        levels: of the closed loop that ran first.
        usl: the Universal Scalability Law through them; None with too few.
    """

    variant: str
    objective: str
    rate_rps: float | None
    interval: tuple[float, float] | None
    at_least: bool
    why_none: str
    limit: Limit | None
    steps: tuple[Step, ...]
    levels: tuple[LevelPoint, ...]
    usl: Usl | None


def capacities(measured: Measured) -> tuple[Capacity, ...]:
    """The capacity of each variant that one was sought of, in the order of the trials."""
    names = dict.fromkeys(
        trial.variant.name for trial, _ in measured if trial.phase in ("sweep", "capacity")
    )
    objectives = dict.fromkeys(trial.about for trial, _ in measured if trial.phase == "capacity")
    return tuple(_capacity(name, objective, measured) for objective in objectives for name in names)


def bounds_of(objective: str) -> tuple[Bound, ...]:
    """The bounds of an objective as it is spelled; what is no bound is left out."""
    return tuple(one for one in parse_objectives(objective) if isinstance(one, Bound))


def ceiling(sweep: Sequence[tuple[Trial, Outcome]]) -> float:
    """The most that a closed loop got out of a service; 0 if it answered nothing."""
    return max(
        (outcome.result.throughput_rps for _, outcome in sweep if outcome.result is not None),
        default=0.0,
    )


def first_belief(ceiling_rps: float) -> Belief:
    """Where a capacity may be, with nothing but the closed loop's ceiling known."""
    return believe(_GUESS * ceiling_rps, _LOWEST * ceiling_rps, _HIGHEST * ceiling_rps)


def updated(belief: Belief, step: Step) -> Belief:
    """The belief after a step; one whose verdict is not known teaches nothing."""
    if step.verdict == "unknown":
        return belief
    return belief.after(step.rate_rps, met=step.verdict == "met")


def offered(trial: Trial) -> float:
    """The constant rate of a step's trial."""
    schedule = trial.load.schedule
    return schedule.phases[0].from_rps if isinstance(schedule, OpenLoop) else 0.0


def level_points(sweep: Sequence[tuple[Trial, Outcome]]) -> Iterator[LevelPoint]:
    """The levels of a closed loop with what each gave."""
    for trial, outcome in sorted(sweep, key=lambda pair: pair[0].load.connections):
        level, result = trial.load.connections, outcome.result
        if outcome.hang is not None:
            yield LevelPoint(level, None, "hang")
        elif result is None or not result.ok or outcome.validity.status == "invalid":
            yield LevelPoint(level, None, "; ".join(outcome.validity.reasons) or "no answers")
        else:
            yield LevelPoint(level, result.throughput_rps)


def _capacity(name: str, objective: str, measured: Measured) -> Capacity:
    mine = [pair for pair in measured if pair[0].variant.name == name]
    sweep = [pair for pair in mine if pair[0].phase == "sweep"]
    windows = [
        (trial, outcome)
        for trial, outcome in mine
        if trial.phase == "capacity" and trial.about == objective
    ]
    bounds = bounds_of(objective)
    steps = tuple(judged(offered(trial), bounds, outcome) for trial, outcome in windows)
    points = tuple(level_points(sweep))
    law = fit([(p.connections, p.throughput_rps) for p in points if p.throughput_rps is not None])
    rate, interval, at_least, why = _rate(ceiling(sweep), steps)
    beyond = sorted(
        (
            (step.rate_rps, trial, outcome)
            for step, (trial, outcome) in zip(steps, windows, strict=True)
            if step.verdict == "missed" and (rate is None or step.rate_rps >= 0.97 * rate)
        ),
        key=lambda one: one[0],
    )
    limit = limit_of(beyond)
    return Capacity(name, objective, rate, interval, at_least, why, limit, steps, points, law)


def _rate(
    ceiling_rps: float, steps: Sequence[Step]
) -> tuple[float | None, tuple[float, float] | None, bool, str]:
    if ceiling_rps <= 0:
        return None, None, False, "it answered nothing in the closed loop"
    met = [step.rate_rps for step in steps if step.verdict == "met"]
    missed = [step.rate_rps for step in steps if step.verdict == "missed"]
    if not met and not missed:
        why = steps[-1].why if steps else "no step was run"
        return None, None, False, f"no step could be measured: {why}"
    if not met:
        return None, None, False, f"not even {min(missed):.3g} req/s met it"
    belief = first_belief(ceiling_rps)
    for step in steps:
        belief = updated(belief, step)
    if not missed:
        return max(met), None, True, ""
    return belief.middle, belief.interval, False, ""


def sentence(found: Sequence[Capacity]) -> str:
    """The answer: ``sync stands up to 610 ± 20 req/s, async to 1,150 ± 40; beyond, …``."""
    standing = [one for one in found if one.rate_rps is not None]
    parts = []
    for number, one in enumerate(standing):
        first = number == 0
        verb = " stands up to " if first else " to "
        parts.append(f"{one.variant}{verb}{rate_words(one)}{' req/s' if first else ''}")
    text = ", ".join(parts)
    text += _limits(standing)
    for one in found:
        if one.rate_rps is None:
            text += f"{'. ' if text else ''}No rate is known at which {one.variant} meets "
            text += f"{one.objective}: {one.why_none}"
    return f"{text}."


def _limits(standing: Sequence[Capacity]) -> str:
    named = {one.variant: one.limit.resource for one in standing if one.limit is not None}
    if not named:
        bounded = [one for one in standing if not one.at_least]
        return "; what gives out beyond was not seen" if bounded else ""
    if len(named) == len(standing) and len(set(named.values())) == 1:
        return f"; beyond, {next(iter(named.values()))} is the limit"
    each = [f"{resource} is the limit of {name}" for name, resource in named.items()]
    return f"; beyond, {', '.join(each)}"


def rate_words(found: Capacity) -> str:
    """``610 ± 20``, to the digits that are known; ``at least 900``."""
    if found.rate_rps is None:
        return "–"
    if found.at_least or found.interval is None:
        return f"at least {found.rate_rps:,.{_places(found.rate_rps / 100)}f}"
    low, high = found.interval
    half = max(high - found.rate_rps, found.rate_rps - low)
    places = _places(half)
    unit = 10.0 ** math.floor(math.log10(half))
    shown = round(found.rate_rps / unit) * unit
    return f"{shown:,.{places}f} ± {math.ceil(half / unit - 1e-9) * unit:,.{places}f}"


def _places(value: float) -> int:
    return max(0, -math.floor(math.log10(value))) if value > 0 else 0
