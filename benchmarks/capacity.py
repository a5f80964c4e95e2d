"""Whether ``syncline capacity`` finds what a fine sweep finds: ``make bench-capacity``.

Each round asks for the capacity of the ``users`` case twice, of the same processes: by the search,
and by a sweep that steps through constant rates a few per cent apart in a random order, once
before the search and once after it, so that a drift of the machine meets both alike. Both judge
by the same bounds. The sweep is around what the round before found, the first around a pilot's
answer; where its first half was mostly met or mostly missed, its second half is around the rate
that this half tells. Its own answer is the trimmed Spearman and Kärber estimate of the rate at
which half of the windows are met (M. Hamilton, R. Russo, R. Thurston, Environ. Sci. Technol. 11,
1977): of the shares of windows met, made to fall with the rate, the outer fifths are left to the
machine's disturbances.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import syncline
from benchmarks import machine
from syncline.capacity import (
    Asked,
    Capacity,
    Effort,
    Step,
    capacities,
    capacity_search,
    checked,
    judged,
)
from syncline.capacity.answer import offered
from syncline.errors import MeasurementError
from syncline.experiment import describe_environment, run_search
from syncline.objective import Bound, parse_objectives
from syncline.plan import constant_rate
from syncline.search import Measured, Search
from syncline.store import Store
from syncline.trial import Case, Experiment, Trial
from syncline_cases import load_case

RESULTS = Path(__file__).parent / "results"
CASE = "users"
VARIANTS = ("sync", "async")
OBJECTIVE = "p99<50ms,errors<1%"
# Around the search's answer, in shares of it: far enough that it could be shown wrong.
LOWEST, HIGHEST, STEPS = 0.6, 1.4, 21
# Met or missed in a smaller share than this, a sweep's first half was not around its answer.
OFF_CENTRE = 0.25
AGREE = 0.10
TRIM = 0.2
FINE = "the fine sweep"


@dataclass(frozen=True, slots=True)
class Found:
    """One variant in one round; rates in requests per second.

    Attributes:
        interval: of the search, 95 %.
        sweep_rps: the fine sweep's answer; None if windows could not be judged.
        windows: of the sweep, how many were met, missed, and not known.
    """

    variant: str
    search_rps: float | None
    interval: tuple[float, float] | None
    search_steps: int
    sweep_rps: float | None
    windows: tuple[int, int, int]

    @property
    def off(self) -> float | None:
        """How far the search is from the sweep, as a share of it."""
        if self.search_rps is None or self.sweep_rps is None:
            return None
        return self.search_rps / self.sweep_rps - 1


def main() -> int:
    """Measure, print, and write the report; fails unless every answer is within 10 %."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services end with us
    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    rounds: list[list[Found]] = _before(options.out) if options.add else []
    if first := len(rounds):
        facts |= {"rounds of an earlier run": f"the first {first}"}
    try:
        likely = _likely(_measured(capacity_search(*_asked(0), Effort(options.pilot))))
        for number in range(first + 1, first + 1 + options.rounds):
            found, likely = _round(options, number, likely)
            rounds.append(found)
            for one in found:
                print(f"round {number}: {_line(one)}", flush=True)
            _write(options, facts, rounds)  # so that a round is kept whatever comes after it
    except (syncline.SynclineError, KeyboardInterrupt) as error:
        print(f"bench-capacity: {str(error) or 'interrupted'}", file=sys.stderr)
        return 1
    offs = [one.off for found in rounds for one in found]
    return 0 if all(off is not None and abs(off) <= AGREE for off in offs) else 1


def _before(folder: Path) -> list[list[Found]]:
    """The rounds of the report that is there already."""
    report = json.loads((folder / "capacity.json").read_text(encoding="utf-8"))
    return [[_read(one) for one in found] for found in report["rounds"]]


def _read(one: dict[str, Any]) -> Found:
    low_high = one["interval"]
    return Found(
        **one
        | {
            "interval": None if low_high is None else (low_high[0], low_high[1]),
            "windows": tuple(one["windows"]),
        }
    )


def _write(
    options: argparse.Namespace, facts: Mapping[str, str], rounds: Sequence[Sequence[Found]]
) -> None:
    report = {
        "command": machine.command("benchmarks.capacity", options),
        "machine": facts,
        "case": CASE,
        "objective": OBJECTIVE,
        "asked": max(options.rounds, len(rounds)),
        "rounds": [[asdict(one) for one in found] for found in rounds],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "capacity.md").write_text(_markdown(report, rounds), encoding="utf-8")
    text = json.dumps(report, indent=1) + "\n"
    (options.out / "capacity.json").write_text(text, encoding="utf-8")


def _asked(number: int) -> tuple[Case, Asked]:
    case = load_case(CASE)
    bounds = checked(parse_objectives(OBJECTIVE))
    return case, Asked(VARIANTS, case.loads[0], bounds, seed=number + 1)


def _round(
    options: argparse.Namespace, number: int, likely: Mapping[str, Trial]
) -> tuple[list[Found], dict[str, Trial]]:
    case, asked = _asked(number)

    def course() -> Search[None]:
        half = yield _fine(likely, number, 0)
        yield from capacity_search(case, asked, Effort(options.budget))
        yield _fine(_recentred(likely, half, asked.bounds), number, 1)

    measured = _measured(course())
    searched = tuple(pair for pair in measured if pair[0].about != FINE)
    swept = tuple(pair for pair in measured if pair[0].about == FINE)
    found = [_found(answer, swept, asked.bounds) for answer in capacities(searched)]
    return found, _likely(searched)


def _measured(search: Search[object]) -> Measured:
    """What a search asked for, of one set of processes."""
    with tempfile.TemporaryDirectory() as directory, Store.open(Path(directory) / "s.db") as store:
        record = run_search(
            load_case(CASE),
            search,
            purpose="the search and the fine sweep",
            store=store,
            environment=describe_environment(noise=False),
        )
    if record.status == "interrupted":
        raise KeyboardInterrupt
    return record.trials


def _likely(searched: Measured) -> dict[str, Trial]:
    """Of each variant a trial at the capacity that was found."""
    found = {}
    for answer in capacities(searched):
        if answer.rate_rps is None:
            raise MeasurementError(f"no capacity of {answer.variant}: {answer.why_none}")
        like = next(
            trial
            for trial, _ in searched
            if trial.phase == "capacity" and trial.variant.name == answer.variant
        )
        found[answer.variant] = replace(_at(like, answer.rate_rps), about=FINE)
    return found


def _at(like: Trial, rate_rps: float) -> Trial:
    """The same trial at another constant rate."""
    return replace(like, load=replace(like.load, schedule=constant_rate(rate_rps)))


def _fine(likely: Mapping[str, Trial], number: int, half: int) -> Experiment:
    """A window at each of the rates around each likely capacity, in a random order."""
    trials = []
    for index in random.Random(f"{number} {half}").sample(range(STEPS), STEPS):
        for like in likely.values():
            share = LOWEST + (HIGHEST - LOWEST) * index / (STEPS - 1)
            trial = _at(like, round(share * offered(like), 2))
            trials.append(replace(trial, repeat=half, seed=1000 + half))
    return Experiment(CASE, FINE, tuple(trials))


def _recentred(
    likely: Mapping[str, Trial], half: Measured, bounds: tuple[Bound, ...]
) -> dict[str, Trial]:
    """Each trial at about the rate up to which its windows were met, if that is far off.

    By the sweep's own windows alone: what the search found must not choose where it is tested.
    """
    found = {}
    for name, like in likely.items():
        found[name] = _at(like, round(offered(like) * centre(_steps(name, half, bounds)), 2))
    return found


def centre(half: Sequence[Step]) -> float:
    """Around what share of its rate the other half of a sweep is to be; 1 where it was."""
    known = [step.verdict == "met" for step in half if step.verdict != "unknown"]
    share = sum(known) / len(known) if known else 0.5
    if OFF_CENTRE <= share <= 1 - OFF_CENTRE:
        return 1.0
    return LOWEST + (HIGHEST - LOWEST) * share


def _steps(variant: str, swept: Measured, bounds: tuple[Bound, ...]) -> list[Step]:
    return [
        judged(offered(trial), bounds, outcome)
        for trial, outcome in swept
        if trial.variant.name == variant
    ]


def _found(answer: Capacity, swept: Measured, bounds: tuple[Bound, ...]) -> Found:
    steps = _steps(answer.variant, swept, bounds)
    counts = [sum(step.verdict == word for step in steps) for word in ("met", "missed", "unknown")]
    return Found(
        answer.variant,
        answer.rate_rps,
        answer.interval,
        len(answer.steps),
        spearman_karber(steps),
        (counts[0], counts[1], counts[2]),
    )


def spearman_karber(steps: Sequence[Step]) -> float | None:
    """The rate at which half of the windows are met; None if the steps do not reach across it."""
    known: dict[float, list[bool]] = {}
    for step in steps:
        if step.verdict != "unknown":
            known.setdefault(step.rate_rps, []).append(step.verdict == "met")
    rates = sorted(known)
    shares = _falling([known[rate] for rate in rates])
    if not shares or shares[0] < 1 - TRIM or shares[-1] > TRIM:
        return None
    total = 0.0
    for low, high, before, after in zip(rates, rates[1:], shares, shares[1:], strict=False):
        top, bottom = min(before, 1 - TRIM), max(after, TRIM)
        if top > bottom:
            # Where the line between the two points passes the middle of what counts of it.
            part = (before - (top + bottom) / 2) / (before - after)
            total += (top - bottom) * (low + part * (high - low))
    return total / (1 - 2 * TRIM)


def _falling(windows: Sequence[Sequence[bool]]) -> list[float]:
    """Shares of windows met that only fall: neighbours that rise become one."""
    blocks: list[tuple[int, int, int]] = []  # met, windows, rates
    for each in windows:
        blocks.append((sum(each), len(each), 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] < blocks[-1][0] * blocks[-2][1]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    return [met / count for met, count, rates in blocks for _ in range(rates)]


def _line(one: Found) -> str:
    if one.off is None:
        return f"{one.variant}: search {one.search_rps}, sweep {one.sweep_rps}"
    return (
        f"{one.variant}: search {one.search_rps:.0f}, sweep {one.sweep_rps:.0f} req/s, "
        f"{one.off:+.1%}"
    )


def _markdown(report: dict[str, Any], rounds: Sequence[Sequence[Found]]) -> str:
    lines = [
        "# The capacity that is found, against a fine sweep",
        "",
        f"`{CASE}`, {OBJECTIVE}. {' '.join((__doc__ or '').split(chr(10) * 2)[1].split())}",
        "",
        f"Command: `{report['command']}`; {len(rounds)} of {report['asked']} rounds measured.",
        "",
        *(f"- {name}: {value}" for name, value in report["machine"].items()),
        "",
        "| round | variant | search, req/s | its 95 % interval | steps | sweep, req/s "
        "| windows met, missed, not known | search against sweep |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, found in enumerate(rounds, 1):
        for one in found:
            low, high = one.interval or (None, None)
            cells = (
                str(number),
                one.variant,
                _rate(one.search_rps),
                f"{_rate(low)} to {_rate(high)}",
                str(one.search_steps),
                _rate(one.sweep_rps),
                ", ".join(map(str, one.windows)),
                "not known" if one.off is None else f"{one.off:+.1%}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _rate(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=120.0, help="seconds of each search")
    parser.add_argument("--pilot", type=float, default=60.0, help="seconds of the first search")
    parser.add_argument(
        "--add", action="store_true", help="keep the rounds of the report that is there"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
