"""The search for capacities: a closed loop over levels, then steps at constant rates.

Variants go in lockstep, a step of each in turn, so that a drift of the machine meets all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from syncline.capacity.answer import Capacity, capacities, ceiling, first_belief, offered, updated
from syncline.capacity.steps import Step, judged, words
from syncline.capacity.threshold import Belief
from syncline.design.estimate import START_S, TRIAL_S
from syncline.errors import UsageError
from syncline.objective import LATENCIES, Bound, Objective, describe
from syncline.outcome import Outcome
from syncline.plan import ClosedLoop, constant_rate
from syncline.search import Measured, Search
from syncline.trial import Case, Experiment, Load, Trial

LEVELS = (1, 2, 4, 8, 16, 32, 64)
QUICK_LEVELS = (1, 4, 16, 64)

_FEWEST_STEPS, _MOST_STEPS = 6, 40
_MOST_SPOILT = 6  # in a row: what disturbs does not go away by itself
_NONE_MET = 6  # missed steps without one that was met, each far below the one before
_SWEEP_SHARE = 0.3
_REQUESTS = 300  # below which a 99th percentile is the luck of three requests
_LONGEST_S = 8.0
# In turn: at the middle, and where it is almost sure to be met or missed, which tells how wide
# the border is. First only the middle.
_WHERE = (0.5, 0.2, 0.8)
_AIM_FROM = 6
_PATIENCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a search may take and how well it is to know.

    Attributes:
        budget_s: of the whole, about: services' starts are estimated.
        step_s: of one step, the warm-up included; longer where requests are few.
        warmup_s: of a step, not judged.
        precision: a variant's search ends when its interval is that narrow, as a share.
    """

    budget_s: float
    step_s: float = 3.0
    warmup_s: float = 0.6
    precision: float = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """What capacity is sought of.

    Attributes:
        variants: names.
        load: requests, timeouts and the like; its schedule and connections are replaced.
        bounds: the objective.
        levels: of the closed loop that comes first.
        connections: of the steps; None chooses enough for the rate not to wait for one.
        arrivals: as in :class:`syncline.plan.OpenLoop`.
    """

    variants: tuple[str, ...]
    load: Load
    bounds: tuple[Bound, ...]
    levels: tuple[int, ...] = LEVELS
    connections: int | None = None
    arrivals: Literal["uniform", "poisson"] = "uniform"
    seed: int = 1


def checked(objectives: Sequence[Objective]) -> tuple[Bound, ...]:
    """The objectives as bounds that a window at a constant rate can be held against.

    Raises:
        UsageError: one needs something else than a window: a baseline, findings, a level.
    """
    bounds = []
    for one in objectives:
        text = describe(one)
        if not isinstance(one, Bound) or one.quantity == "throughput":
            raise UsageError(
                f"{text!r} cannot be held against a rate; write bounds of latency or of errors, "
                "such as 'p99<50ms,errors<1%'."
            )
        if one.scope != type(one.scope)():
            raise UsageError(
                f"{text!r} says where it holds, and a capacity is the answer to that; leave out "
                "'at', 'for' and 'under'."
            )
        bounds.append(one)
    return tuple(bounds)


def capacity_search(case: Case, asked: Asked, effort: Effort) -> Search[tuple[Capacity, ...]]:
    """Finds, for each variant, the highest constant rate that meets the objective."""
    sweep = _sweep(case, asked, effort)
    measured = yield sweep
    spent_s = _cost_s(measured) + START_S * len(asked.variants)
    hunts = [
        hunt for name in asked.variants if (hunt := _hunt(case, asked, name, measured)) is not None
    ]
    connections = asked.connections or _enough(asked.bounds, hunts)
    while active := [hunt for hunt in hunts if not hunt.done(effort)]:
        trials = tuple(hunt.trial(asked, effort, connections) for hunt in active)
        this_s = sum(trial.load.duration_s + TRIAL_S for trial in trials)
        if spent_s + this_s > effort.budget_s and min(len(h.steps) for h in active) >= 1:
            break
        answers = yield Experiment(case.name, _purpose(trials, active), trials)
        spent_s += _cost_s(answers)
        for hunt, (trial, outcome) in zip(active, answers, strict=True):
            hunt.take(judged(offered(trial), asked.bounds, outcome))
        measured += answers
    return capacities(measured)


def shortest_s(variants: int, levels: int, effort: Effort) -> float:
    """The time below which a search could not make its fewest steps."""
    steps_s = variants * _FEWEST_STEPS * (effort.step_s + TRIAL_S)
    return steps_s + variants * (START_S + levels * (0.5 + TRIAL_S))


@dataclass(slots=True)
class _Hunt:
    """The search in one variant."""

    first: Trial
    belief: Belief
    ceiling_rps: float
    steps: list[Step] = field(default_factory=list)

    def done(self, effort: Effort) -> bool:
        known = [step for step in self.steps if step.verdict != "unknown"]
        if len(self.steps) >= _MOST_STEPS:
            return True
        last = self.steps[-_MOST_SPOILT:]
        if len(last) == _MOST_SPOILT and all(step.verdict == "unknown" for step in last):
            return True
        verdicts = {step.verdict for step in known}
        if len(known) >= _NONE_MET and verdicts == {"missed"}:
            return True
        if len(known) < _FEWEST_STEPS or len(verdicts) < 2:
            return False
        return self.belief.half_width <= effort.precision

    def trial(self, asked: Asked, effort: Effort, connections: int) -> Trial:
        number = len(self.steps)
        share = 0.5 if number < _AIM_FROM else _WHERE[number % len(_WHERE)]
        # Rounded, so that it can be said and typed.
        rate = float(f"{max(0.1, self.belief.quantile(share)):.3g}")
        window_s = min(_LONGEST_S, max(effort.step_s - effort.warmup_s, _REQUESTS / rate))
        load = replace(
            asked.load,
            connections=connections,
            schedule=constant_rate(rate, asked.arrivals),
            duration_s=round(window_s + effort.warmup_s, 2),
            warmup_s=effort.warmup_s,
        )
        return replace(
            self.first,
            load=load,
            repeat=number,
            seed=asked.seed + number,
            phase="capacity",
            about=words(asked.bounds),
        )

    def take(self, step: Step) -> None:
        self.steps.append(step)
        self.belief = updated(self.belief, step)


def _sweep(case: Case, asked: Asked, effort: Effort) -> Experiment:
    trials_n = len(asked.variants) * len(asked.levels)
    each_s = _SWEEP_SHARE * effort.budget_s / trials_n - TRIAL_S
    each_s = round(min(effort.step_s, max(0.5, each_s)), 2)
    trials = tuple(
        Trial(
            case.name,
            case.variant(name),
            replace(
                asked.load,
                connections=level,
                schedule=ClosedLoop(),
                duration_s=each_s,
                warmup_s=round(0.2 * each_s, 2),
            ),
            seed=asked.seed,
        )
        for level in asked.levels
        for name in asked.variants
    )
    names = ", ".join(asked.variants)
    return Experiment(
        case.name, f"the highest rate at which {names} meets {words(asked.bounds)}", trials
    )


def _hunt(case: Case, asked: Asked, name: str, sweep: Measured) -> _Hunt | None:
    mine = [pair for pair in sweep if pair[0].variant.name == name]
    top = ceiling(mine)
    if top <= 0:
        return None
    return _Hunt(Trial(case.name, case.variant(name), asked.load), first_belief(top), top)


def _enough(bounds: Sequence[Bound], hunts: Sequence[_Hunt]) -> int:
    """Connections, so that a service within the objective always finds one free (N = X·R)."""
    limits = [bound.limit / 1e6 for bound in bounds if bound.quantity in LATENCIES]
    top = max((hunt.ceiling_rps for hunt in hunts), default=0.0)
    return min(512, max(64, math.ceil(2 * top * min(limits, default=_PATIENCE_S))))


def _cost_s(measured: Sequence[tuple[Trial, Outcome]]) -> float:
    again = sum(outcome.hang is not None for _, outcome in measured)
    loads_s = sum(trial.load.duration_s + TRIAL_S for trial, _ in measured)
    return loads_s + START_S * again


def _purpose(trials: Sequence[Trial], active: Sequence[_Hunt]) -> str:
    parts = []
    for trial, hunt in zip(trials, active, strict=True):
        low, high = hunt.belief.interval
        parts.append(f"{trial.variant.name} at {offered(trial):g}/s (in {low:.3g}–{high:.3g})")
    return f"step {max(len(hunt.steps) for hunt in active) + 1}: {', '.join(parts)}"
