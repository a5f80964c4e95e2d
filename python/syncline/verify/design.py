"""How many trials a verification gets, and how long they are: as good as the time allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What is spent beside the loads: until a service answers, for each worker more, and between two
# trials.
START_S = 0.8
WORKER_S = 0.7
BETWEEN_S = 0.1

# A standstill must have time to begin and to be told from a pause (see syncline.hang).
_SHORTEST_BREAKING_S = 2.0
_SHORTEST_S = 1.0
# Under the lighter load nothing is waited for but a rate: of the other trials' time.
_LIGHTER = 0.4
# Longer trials add little; more of them say how far such trials scatter.
_LONGEST_S = 4.0
# By falling worth: pairs under the load that broke, and under the lighter one. Two pairs give
# an interval, three one that is of use.
_PAIRS = ((3, 3), (2, 3), (2, 2))
# That a service stands still, and then does not, is no estimate: each is seen once.
_SEEN_ONCE = ((1, 2),)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much may be spent on proofs.

    Attributes:
        budget_s: the time for all findings together, about.
        most: how many findings, the gravest first.
        once: whether a single pair will do under a load that broke the original.
    """

    budget_s: float
    most: int
    once: bool = False


DEFAULT = Effort(40.0, 3)
QUICK = Effort(15.0, 1, once=True)


@dataclass(frozen=True, slots=True)
class Task:
    """What has to be tried for one finding.

    Attributes:
        breaks: whether the original stood still or failed; it is started afresh for each trial.
        lighter: whether there is a lighter load to try as well.
        above: whether a trial above a new bound is to be made.
        alone: whether each change of variant ends the other one's service.
        longest_s: no trial is longer: that of the sweep.
        workers: the processes of the service, which all have to start.
    """

    breaks: bool
    lighter: bool
    above: bool
    alone: bool
    longest_s: float
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Design:
    """Trials of one verification.

    Attributes:
        pairs, lighter_pairs: how many under the finding's load, and under the lighter one.
        duration_s, lighter_s: of each trial there, warm-up included.
        cost_s: the whole, services' starts included, about.
    """

    pairs: int
    lighter_pairs: int
    duration_s: float
    lighter_s: float
    cost_s: float


def design(task: Task, budget_s: float, *, once: bool = False) -> Design | None:
    """The best design that the time allows; None if it allows none."""
    return next(_affordable(task, budget_s, _SEEN_ONCE if once and task.breaks else _PAIRS), None)


def _affordable(task: Task, budget_s: float, choice: Sequence[tuple[int, int]]) -> Iterator[Design]:
    shortest = _SHORTEST_BREAKING_S if task.breaks else _SHORTEST_S
    for pairs, wanted in choice:
        lighter = wanted if task.lighter else 0
        lengths = 2 * pairs + int(task.above) + 2 * _LIGHTER * lighter
        free_s = budget_s - _beside_s(task, pairs, lighter)
        duration_s = min(free_s / lengths, max(shortest, task.longest_s), _LONGEST_S)
        if duration_s >= shortest:
            whole_s = duration_s * lengths + _beside_s(task, pairs, lighter)
            yield Design(pairs, lighter, duration_s, _LIGHTER * duration_s, whole_s)


def _beside_s(task: Task, pairs: int, lighter: int) -> float:
    trials = 2 * (pairs + lighter) + int(task.above)
    if task.alone:  # original, fixed and fixed, original and original …
        starts = pairs + 1 + (lighter + 1 if lighter else 0) + int(task.above)
    elif task.breaks:
        starts = pairs + 1
    else:
        starts = 1
    start_s = START_S + WORKER_S * (task.workers - 1)
    return start_s * starts + BETWEEN_S * trials
