"""A run's trials sorted into the cells of its table: levels down, variants across.

Repeats of one trial meet in one cell. Only valid trials that kept answering are averaged (the
median); a hang, an invalid trial or one that never ran stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from syncline.outcome import LoadResult, Outcome, Quantiles
from syncline.plan import OpenLoop, Schedule
from syncline.record import RunRecord
from syncline.report import units
from syncline.trial import Phase, Trial

State = Literal["measured", "hang", "dead", "invalid", "missing"]
_NOT_OF_THE_TABLE: Mapping[Phase, str] = {
    "verification": "proof",
    "capacity": "search for the capacity",
    "tuning": "search for a setting",
    "profile": "profile",
}


@dataclass(frozen=True, slots=True)
class Level:
    """One row: a kind of load at one intensity."""

    load: str
    connections: int
    schedule: Schedule

    @property
    def offered(self) -> str | None:
        """The offered rate of an open loop in words; None in closed loop."""
        if not isinstance(self.schedule, OpenLoop):
            return None
        ends = [end for phase in self.schedule.phases for end in (phase.from_rps, phase.to_rps)]
        low, high = min(ends), max(ends)
        return units.rate(low) if low == high else f"{units.rate(low)}–{units.rate(high)}"


@dataclass(frozen=True, slots=True)
class Figures:
    """One cell: what the repeats of one variant at one level came to.

    Attributes:
        state: ``measured`` if at least one repeat is valid and kept answering.
        outcomes: of all repeats; ``counted`` those that the figures are made of.
        throughput_rps, p50_us, p99_us: medians over ``counted``; None if there are none.
        errors: failed and timed-out requests, summed over ``counted``.
    """

    state: State
    outcomes: tuple[Outcome, ...] = ()
    counted: tuple[Outcome, ...] = ()
    throughput_rps: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    errors: int | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of a run, by level and the variant's name, in the order they were planned."""

    levels: tuple[Level, ...]
    variants: tuple[str, ...]
    cells: Mapping[tuple[Level, str], Figures]

    def at(self, level: Level, variant: str) -> Figures:
        """The cell; ``missing`` if nothing was run there."""
        return self.cells.get((level, variant), Figures("missing"))

    @property
    def single(self) -> bool:
        """Whether no cell has more than one repeat: then no figure carries an interval."""
        return all(len(figures.outcomes) < 2 for figures in self.cells.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the kinds of load, in order."""
        return tuple(dict.fromkeys(level.load for level in self.levels))


def grid(record: RunRecord) -> Grid:
    """The cells of a run's table: of its sweep, planned ones without an outcome included."""
    found: dict[tuple[Level, str], list[Outcome]] = {}
    swept = record.of_phase("sweep")
    planned = (trial for trial in record.planned if trial.phase == "sweep")
    for trial in (*planned, *(trial for trial, _ in swept)):
        found.setdefault((level_of(trial), trial.variant.name), [])
    for trial, outcome in swept:
        found[level_of(trial), trial.variant.name].append(outcome)
    return Grid(
        levels=tuple(dict.fromkeys(level for level, _ in found)),
        variants=tuple(dict.fromkeys(variant for _, variant in found)),
        cells={key: figures(tuple(outcomes)) for key, outcomes in found.items()},
    )


def level_of(trial: Trial) -> Level:
    """The row that a trial belongs to."""
    return Level(trial.load.name, trial.load.connections, trial.load.schedule)


def trial_words(trial: Trial) -> str:
    """A trial in a few words: ``sync, 48 connections, read``, and what tells it from its like."""
    level = level_of(trial)
    parts = [trial.variant.name, units.plural(level.connections, "connection")]
    if level.offered is not None:
        parts.append(f"{level.offered}/s")
    parts.append(trial.load.name)
    parts.append(_NOT_OF_THE_TABLE.get(trial.phase, ""))
    if trial.repeat:
        parts.append(f"repeat {trial.repeat + 1}")
    return ", ".join(filter(None, parts))


def figures(outcomes: tuple[Outcome, ...]) -> Figures:
    """The figures of one cell from its repeats."""
    states = [state_of(outcome) for outcome in outcomes]
    counted = tuple(
        outcome for outcome, state in zip(outcomes, states, strict=True) if state == "measured"
    )
    if not counted:
        worst: tuple[State, ...] = ("hang", "dead", "invalid")
        state: State = next((one for one in worst if one in states), "missing")
        return Figures(state, outcomes)
    results = [outcome.result for outcome in counted if outcome.result is not None]
    latencies = [summary for result in results if (summary := latency(result)) is not None]
    return Figures(
        "measured",
        outcomes,
        counted,
        throughput_rps=median(result.throughput_rps for result in results),
        p50_us=median(summary.p50 for summary in latencies) if latencies else None,
        p99_us=median(summary.p99 for summary in latencies) if latencies else None,
        errors=sum(result.failed + result.timed_out for result in results),
    )


def state_of(outcome: Outcome) -> State:
    """What one trial is, before anyone looks at its figures."""
    if outcome.hang is not None:
        return "hang"
    if outcome.result is None:
        return "invalid"
    if outcome.result.ok + outcome.result.failed == 0:
        return "dead"
    return "measured" if outcome.validity.status == "valid" else "invalid"


def latency(result: LoadResult) -> Quantiles | None:
    """Response time in open loop, service time in closed loop."""
    return result.response_time_us or result.service_time_us


def level_words(level: Level, grid: Grid) -> str:
    """A level in a sentence: ``48 connections``, ``20,000/s (put)``."""
    return levels_words((level,), grid)


def levels_words(levels: tuple[Level, ...], grid: Grid) -> str:
    """Levels in a sentence: ``1, 12 and 24 connections``, kinds of load told apart."""
    phrases = []
    for kind in dict.fromkeys(level.load for level in levels):
        mine = [level for level in levels if level.load == kind]
        named = f" ({kind})" if len(grid.kinds) > 1 else ""
        closed = tuple(level for level in mine if level.offered is None)
        if closed:
            numbers = units.listed(tuple(units.count(level.connections) for level in closed))
            one = len(closed) == 1 and closed[0].connections == 1
            phrases.append(f"{numbers} {'connection' if one else 'connections'}{named}")
        opened = tuple(f"{level.offered}/s" for level in mine if level.offered is not None)
        if opened:
            phrases.append(units.listed(opened) + named)
    return units.listed(tuple(phrases))
