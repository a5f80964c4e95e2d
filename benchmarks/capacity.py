"""Whether ``syncline capacity`` finds what a fine sweep finds: ``make bench-capacity``.

Each round asks for the capacity of the ``users`` case twice, within minutes: by the search, and by
a sweep that steps through constant rates a few per cent apart, several windows at each, in a random
order, judged by the same bounds. The sweep's answer is Spearman and Kärber's estimate of the rate
at which half of the windows are met.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
from collections.abc import Sequence
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
from syncline.experiment import describe_environment, run_experiment, run_search
from syncline.objective import Bound, parse_objectives
from syncline.plan import constant_rate
from syncline.search import Measured
from syncline.store import Store
from syncline.trial import Experiment, Trial
from syncline_cases import load_case

RESULTS = Path(__file__).parent / "results"
CASE = "users"
VARIANTS = ("sync", "async")
OBJECTIVE = "p99<50ms,errors<1%"
# Around the search's answer, in shares of it: far enough that it could be shown wrong.
LOWEST, HIGHEST, STEPS = 0.6, 1.4, 21
AGREE = 0.10


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
    rounds: list[list[Found]] = []
    try:
        for number in range(options.rounds):
            rounds.append(_round(options, number))
            for one in rounds[-1]:
                print(f"round {number + 1}: {_line(one)}", flush=True)
    except syncline.SynclineError as error:
        print(f"bench-capacity: {error}", file=sys.stderr)
        return 1
    report = {
        "command": machine.command("benchmarks.capacity", options),
        "machine": facts,
        "case": CASE,
        "objective": OBJECTIVE,
        "rounds": [[asdict(one) for one in found] for found in rounds],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "capacity.md").write_text(_markdown(report, rounds), encoding="utf-8")
    text = json.dumps(report, indent=1) + "\n"
    (options.out / "capacity.json").write_text(text, encoding="utf-8")
    offs = [one.off for found in rounds for one in found]
    return 0 if all(off is not None and abs(off) <= AGREE for off in offs) else 1


def _round(options: argparse.Namespace, number: int) -> list[Found]:
    case = load_case(CASE)
    bounds = checked(parse_objectives(OBJECTIVE))
    asked = Asked(VARIANTS, case.loads[0], bounds, seed=number + 1)
    with tempfile.TemporaryDirectory() as directory, Store.open(Path(directory) / "s.db") as store:
        environment = describe_environment(noise=False)
        searched = run_search(
            case,
            capacity_search(case, asked, Effort(options.budget)),
            purpose="the search",
            store=store,
            environment=environment,
        )
        answers = capacities(searched.trials)
        trials = _fine(searched.trials, answers, options, number)
        swept = run_experiment(
            case,
            Experiment(CASE, "the fine sweep", trials),
            store=store,
            environment=environment,
        )
    return [_found(answer, swept.trials, bounds) for answer in answers]


def _fine(
    measured: Measured, answers: Sequence[Capacity], options: argparse.Namespace, number: int
) -> tuple[Trial, ...]:
    """Windows at rates around each answer, in a random order within each repeat."""
    trials = []
    for repeat in range(options.windows):
        for index in random.Random(f"{number} {repeat}").sample(range(STEPS), STEPS):
            for answer in answers:
                if answer.rate_rps is None:
                    continue
                share = LOWEST + (HIGHEST - LOWEST) * index / (STEPS - 1)
                like = next(
                    trial
                    for trial, _ in measured
                    if trial.phase == "capacity" and trial.variant.name == answer.variant
                )
                rate = round(share * answer.rate_rps, 2)
                load = replace(like.load, schedule=constant_rate(rate))
                trials.append(replace(like, load=load, repeat=repeat, seed=1000 + repeat))
    return tuple(trials)


def _found(answer: Capacity, swept: Measured, bounds: tuple[Bound, ...]) -> Found:
    steps: list[Step] = [
        judged(offered(trial), bounds, outcome)
        for trial, outcome in swept
        if trial.variant.name == answer.variant
    ]
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
    if len(rates) < 2 or not all(known[rates[0]]) or any(known[rates[-1]]):
        return None
    shares = [sum(known[rate]) / len(known[rate]) for rate in rates]
    # Each midpoint weighs as much as the share falls between its two rates.
    return sum(
        (before + after) / 2 * (high - low)
        for before, after, high, low in zip(rates, rates[1:], shares, shares[1:], strict=False)
    )


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
        f"Command: `{report['command']}`",
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
    parser.add_argument("--windows", type=int, default=2, help="of the sweep, at each rate")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
