"""Whether comparisons hold what they promise: ``make bench-stats``.

Three questions: do 95 % intervals hold the truth as often as they say (simulated); how often is a
difference called between a service and itself (real services, at most 4 of 40); is a known
difference of 10 % found, and one of 1 % not claimed either way without grounds.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import syncline
from benchmarks import machine
from benchmarks.stats_coverage import coverage
from benchmarks.stats_report import stats_markdown
from syncline.codec import to_json
from syncline.design import repeated
from syncline.experiment import describe_environment, run_experiment
from syncline.experiment.tools import real_tools
from syncline.record import Comparison
from syncline.store import Store
from syncline.trial import Case, Load, Variant, sweep

RESULTS = Path(__file__).parent / "results"
APP = "benchmarks.stats_app:app"
LEVELS = (2, 16)
# About 1 ms of Python, so that the server's own share of a request is small.
SPIN = 14_000
KNOWN = (1.10, 1.01)
KNOWN_ROUNDS, KNOWN_S = 40, 0.8


def main() -> int:
    """Measure, print, and write the report."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services end with us
    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    began = time.monotonic()
    report: dict[str, Any]
    try:
        if options.known:
            report = json.loads((options.out / "stats.json").read_text(encoding="utf-8"))
            report["known_apart"] = f"{facts['date']}, of {facts['commit']}"
        else:
            report = _promises(options, facts)
        report["known"] = [{"longer": factor, **to_json(_known(factor))} for factor in KNOWN]
    except syncline.SynclineError as error:
        print(f"bench-stats: {error}", file=sys.stderr)
        return 1
    if not options.known:
        report["took_s"] = round(time.monotonic() - began)
    text = stats_markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "stats.md").write_text(text, encoding="utf-8")
    (options.out / "stats.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _promises(options: argparse.Namespace, facts: Mapping[str, str]) -> dict[str, Any]:
    """Coverage, and a service against itself."""
    return {
        "command": machine.command("benchmarks.stats", options),
        "machine": facts,
        "noise": to_json(describe_environment().noise),
        "rounds": options.rounds,
        "duration_s": options.duration,
        "coverage": [asdict(line) for line in coverage(options.simulations)],
        "same": [to_json(one) for one in _same(options)],
    }


def _same(options: argparse.Namespace) -> list[Comparison]:
    """A service against itself, in experiments of their own: one comparison for each level."""
    found: list[Comparison] = []
    for number in range(options.experiments):
        names = ("one", "other")
        variants = tuple(Variant(name, app=APP, env={"SPIN": "300"}) for name in names)
        found += _compared(variants, LEVELS, options.duration, options.rounds, seed=number + 1)
        called = sum(one.verdict != "no difference shown" for one in found)
        print(f"A/A {len(found)}: {called} called a difference", flush=True)
    return found


def _known(factor: float) -> Comparison:
    """A service against one whose loop is longer by a known factor."""
    variants = tuple(
        Variant(name, app=APP, env={"SPIN": str(round(spin))})
        for name, spin in (("original", SPIN), ("longer", factor * SPIN))
    )
    (found,) = _compared(variants, (4,), KNOWN_S, KNOWN_ROUNDS, seed=1)
    print(f"loop × {factor:g}: {found.words}", flush=True)
    return found


def _compared(
    variants: tuple[Variant, ...],
    levels: tuple[int, ...],
    duration_s: float,
    rounds: int,
    seed: int,
) -> list[Comparison]:
    """The comparisons of throughput, made as ``syncline run --repeat`` makes them."""
    loads = tuple(Load(level, duration_s + 0.1, warmup_s=0.1) for level in levels)
    names = tuple(variant.name for variant in variants)
    case = Case("stats", "a known loop", "", variants, names, loads, loads)
    with tempfile.TemporaryDirectory() as directory, Store.open(Path(directory) / "s.db") as store:
        record = run_experiment(
            case,
            repeated(sweep(case, names, loads), rounds, seed),
            store=store,
            environment=describe_environment(noise=False),
            tools=real_tools(probe=False, database=False),
        )
    return [one for one in record.comparisons if one.metric == "throughput_rps"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stats", description=__doc__)
    parser.add_argument("--simulations", type=int, default=20_000, help="of each kind")
    parser.add_argument("--experiments", type=int, default=20, help="A/A, two comparisons each")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--duration", type=float, default=0.4, help="measured seconds of a trial")
    parser.add_argument(
        "--known", action="store_true", help="only a known difference; the rest of the report stays"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
