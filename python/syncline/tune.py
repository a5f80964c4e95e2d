"""Which setting serves best: successive halving over interleaved trials of what-ifs.

Every setting gets a round of trials; the better half gets twice as many more, and so on until a
few are left, which are measured until the time is up (K. Jamieson, A. Talwalkar, Non-stochastic
best arm identification, AISTATS 2016). The setting that the service has by itself stays to the
end: nothing is called better that was not held against it.

Who may be the best is told from the last rounds alone, which no earlier luck chose, by multiple
comparisons with the best (J. C. Hsu, Multiple Comparisons, 1996, chapter 4; S. S. Gupta,
Technometrics 7, 1965): a setting is out if another one is above it by more than Student's t, for
as many comparisons as there are (Bonferroni), lets chance be. Those that are not out are tied.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from syncline.design.estimate import START_S, TRIAL_S
from syncline.errors import UsageError
from syncline.judge import blame
from syncline.objective import Bound, describe, holds, measure
from syncline.outcome import Outcome
from syncline.search import Measured, Search
from syncline.stats.ratio import paired_ratio
from syncline.stats.student import t_quantile
from syncline.trial import Case, Experiment, Load, Trial, Variant
from syncline.whatif import checked, imposed, label_of

MOST_SETTINGS = 64
_FINALISTS = 3  # beside the default
_FINAL_ROUNDS = 4  # pairs below which an interval is of no use
_MOST_ROUNDS = 30
_SIGNIFICANCE = 0.05
_FINAL, _HALVING = "the final", "halving"

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tuned.

    Attributes:
        variant: the name of the one whose settings are sought.
        settings: those to try; that of the variant itself is always tried.
        load: under which; a closed loop.
        bounds: what a setting has to meet to be chosen; among those that do, throughput decides.
        budget_s: of the whole, about.
    """

    variant: str
    settings: tuple[Settings, ...]
    load: Load
    bounds: tuple[Bound, ...] = ()
    budget_s: float = 180.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one setting.

    Attributes:
        setting: ``pool_size=10``; empty for what the variant has by itself.
        rounds: how many trials gave a figure.
        throughput_rps: the median over them; None without any.
        against: throughput over that of the default in the final, with its 95 % interval; None
            for the default, and where there is no pair.
        final: whether it came to the final.
        tied: whether it may be the best, as far as the final tells.
        misses: which bound of the objective it missed in most trials, or how it broke; empty
            if it did not.
    """

    setting: str
    rounds: int
    throughput_rps: float | None
    against: float | None
    interval: tuple[float, float] | None
    final: bool
    tied: bool
    misses: str


def settings_of(text: str) -> tuple[Settings, ...]:
    """All combinations of ``pool_size=5,10,20,tokens=20,40``.

    Raises:
        UsageError: a name or value is not in the catalogue of what-ifs, or they are too many.
    """
    values: dict[str, list[str]] = {}
    name = ""
    for part in (word.strip() for word in text.split(",")):
        if "=" in part:
            name, _, part = (word.strip() for word in part.partition("="))
            name = name.lower().replace("-", "_")
            if name in values:
                raise UsageError(f"{name} is given twice in {text!r}; give its values once.")
            values[name] = []
        if not name or not part:
            raise UsageError(f"{text!r} is no list of settings; write pool_size=5,10,tokens=20,40.")
        value = checked({name: part})[name]
        if value not in values[name]:
            values[name].append(value)
    found = tuple(
        dict(zip(values, combination, strict=True))
        for combination in itertools.product(*values.values())
    )
    if len(found) > MOST_SETTINGS:
        raise UsageError(
            f"{text!r} makes {len(found)} settings; {MOST_SETTINGS} is the most that can be told "
            "apart in a reasonable time. Give fewer values."
        )
    return found


def shortest_s(asked: Asked) -> float:
    """The time below which a search could not reach a final that tells anything."""
    arms = len(asked.settings) + 1
    halving = sum(left * rounds for left, rounds in _rungs(arms))
    final = min(arms, _FINALISTS + 1) * _FINAL_ROUNDS
    return (halving + final) * _trial_s(asked)


def tune_search(case: Case, asked: Asked) -> Search[tuple[Standing, ...]]:
    """Finds the settings of a variant that may be the best."""
    default = case.variant(asked.variant)
    arms = _arms(default, asked.settings)
    measured: Measured = ()
    chance = random.Random(asked.seed)
    spent_s, repeat = 0.0, 0
    for _, rounds in _rungs(len(arms)):
        for _ in range(rounds):
            measured += yield _round(case, asked, arms, _HALVING, repeat, chance)
            spent_s += len(arms) * _trial_s(asked)
            repeat += 1
        arms = _better_half(arms, measured, asked.bounds)
    for number in range(_MOST_ROUNDS):
        this_s = len(arms) * _trial_s(asked)
        if number >= _FINAL_ROUNDS and spent_s + this_s > asked.budget_s:
            break
        measured += yield _round(case, asked, arms, _FINAL, repeat, chance)
        spent_s += this_s
        repeat += 1
    return standings(measured, asked.bounds)


def standings(measured: Measured, bounds: Sequence[Bound] = ()) -> tuple[Standing, ...]:
    """What the trials of a search say of each setting, the best first."""
    trials = [pair for pair in measured if pair[0].phase == "tuning"]
    by_arm: dict[str, list[tuple[Trial, Outcome]]] = {}
    for pair in trials:
        by_arm.setdefault(label_of(pair[0].variant.what_ifs), []).append(pair)
    figures = {name: _figures(pairs, final=True) for name, pairs in by_arm.items()}
    misses = {name: _misses(pairs, bounds) for name, pairs in by_arm.items()}
    default = next(iter(by_arm), "")
    able = [name for name in by_arm if figures[name] and not misses[name]]
    tied = set(may_be_best({name: figures[name] for name in able}))
    found = []
    for name, pairs in by_arm.items():
        rates = list(_figures(pairs).values())
        ratio = paired_ratio(_log_ratios(figures[default], figures[name]))
        other = ratio if name != default else None
        found.append(
            Standing(
                setting=name,
                rounds=len(rates),
                throughput_rps=median(rates) if rates else None,
                against=other.value if other else None,
                interval=other.interval if other else None,
                final=any(trial.about == _FINAL for trial, _ in pairs),
                tied=name in tied,
                misses=misses[name],
            )
        )
    return tuple(
        sorted(
            found,
            key=lambda one: (
                not one.tied,
                not one.final,
                bool(one.misses),
                -(one.throughput_rps or 0.0),
            ),
        )
    )


def may_be_best(figures: Mapping[str, Mapping[int, float]]) -> tuple[str, ...]:
    """The names of those that may have the highest mean, by paired rounds; see the module.

    Args:
        figures: by name and by round, above 0.
    """
    if len(figures) < 2:
        return tuple(figures)
    share = 1 - _SIGNIFICANCE / (len(figures) - 1)
    return tuple(
        name
        for name, mine in figures.items()
        if not any(
            _clearly_below(mine, other, share) for key, other in figures.items() if key != name
        )
    )


def said(found: Sequence[Standing], default: str = "as it is") -> str:
    """The answer in a sentence; nothing is called best that is tied."""
    tied = [one for one in found if one.tied]
    names = [one.setting or f"the default ({default})" for one in tied]
    if not tied:
        return "No setting that was tried can be recommended: each broke or missed the objective."
    own = next((one for one in found if not one.setting), None)
    if len(tied) == 1:
        if not tied[0].setting:
            return f"{names[0].capitalize()} is the best: every other setting is worse."
        return f"{names[0]} is the best{_gain(tied[0], own)}."
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    text = f"{listed} could not be told apart"
    if any(not one.setting for one in tied):
        return f"{text}: nothing that was tried is shown to be better than the default."
    return f"{text}; each may be the best{_gain(tied[0], own)}."


def _gain(best: Standing, own: Standing | None) -> str:
    if own is not None and own.misses:
        return f"; the default {own.misses}"
    if best.against is None or best.interval is None:
        return ""
    low, high = best.interval
    return f": {best.setting} gives {best.against:.2f} times the default ({low:.2f} to {high:.2f})"


def _arms(default: Variant, settings: Sequence[Settings]) -> tuple[Variant, ...]:
    made = {default.name: default}
    for one in settings:
        arm = imposed(default, one)
        made.setdefault(arm.name, arm)
    return tuple(made.values())


def _rungs(arms: int) -> Iterator[tuple[int, int]]:
    """How many arms each rung has, and how many rounds they get: twice those of the one before."""
    rounds = 1
    while arms > _FINALISTS + 1:
        yield arms, rounds
        arms = 1 + math.ceil((arms - 1) / 2)
        rounds *= 2


def _round(
    case: Case,
    asked: Asked,
    arms: Sequence[Variant],
    about: str,
    repeat: int,
    chance: random.Random,
) -> Experiment:
    """A trial of each arm, in an order drawn anew, with one seed."""
    order = chance.sample(arms, len(arms)) if repeat else arms
    load = asked.load
    trials = tuple(
        Trial(case.name, arm, load, repeat, asked.seed + repeat, "tuning", about) for arm in order
    )
    words = f"{about}, round {repeat + 1}: {len(arms)} settings"
    # Alone: idle services of other settings would hold connections of the database.
    return Experiment(case.name, words, trials, alone=True)


def _better_half(
    arms: Sequence[Variant], measured: Measured, bounds: Sequence[Bound]
) -> tuple[Variant, ...]:
    default, *others = arms

    def rank(arm: Variant) -> tuple[bool, float]:
        mine = [pair for pair in measured if pair[0].variant == arm]
        rates = list(_figures(mine).values())
        return bool(_misses(mine, bounds)), -(median(rates) if rates else 0.0)

    return (default, *sorted(others, key=rank)[: math.ceil(len(others) / 2)])


def _figures(pairs: Sequence[tuple[Trial, Outcome]], *, final: bool = False) -> dict[int, float]:
    """Throughput by round, of trials that gave one; of the final alone if asked."""
    return {
        trial.repeat: outcome.result.throughput_rps
        for trial, outcome in pairs
        if outcome.result is not None
        and outcome.result.throughput_rps > 0
        and blame(outcome) == "nobody"
        and (trial.about == _FINAL or not final)
    }


def _misses(pairs: Sequence[tuple[Trial, Outcome]], bounds: Sequence[Bound]) -> str:
    blames = [blame(outcome) for _, outcome in pairs]
    counted = [one for one in blames if one != "measurement"]
    if counted and 2 * counted.count("service") >= len(counted):
        return "hung, died or failed"
    good = [o.result for _, o in pairs if o.result is not None and blame(o) == "nobody"]
    for bound in bounds:
        values = [measure(bound.quantity, result) for result in good]
        bad = sum(value is None or not holds(bound, value) for value in values)
        if values and 2 * bad > len(values):
            return f"misses {describe(bound)}"
    return ""


def _log_ratios(below: Mapping[int, float], above: Mapping[int, float]) -> list[float]:
    return [math.log(above[key] / below[key]) for key in sorted(below.keys() & above.keys())]


def _clearly_below(mine: Mapping[int, float], other: Mapping[int, float], share: float) -> bool:
    ratios = _log_ratios(mine, other)
    if len(ratios) < 2:
        return False
    error = stdev(ratios) / math.sqrt(len(ratios))
    return fmean(ratios) > t_quantile(share, len(ratios) - 1) * error


def _trial_s(asked: Asked) -> float:
    """What a trial takes with the start of its service."""
    return asked.load.duration_s + TRIAL_S + START_S
