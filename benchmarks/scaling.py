"""What a second thread, or a second agent on Ray, adds to a load: ``make bench-scaling``.

Each sends at the same constant rate, so that two have twice the work: they scale if the whole rate
is held and an answer costs no more CPU than with one. The server is a minimal one; rounds of one
and of two follow each other.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import syncline
from benchmarks import machine
from benchmarks.measure import BenchmarkError, cores
from benchmarks.servers import fast_server
from syncline.agents import Place, gathered
from syncline.outcome import LoadResult
from syncline.plan import Plan, constant_rate

RESULTS = Path(__file__).parent / "results"
RATES = (2_000, 5_000, 10_000)
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """One load of so many senders.

    Attributes:
        kind: ``threads`` of the engine, or ``agents``.
        held: the answers per second as a share of the planned rate.
        cpu_us: CPU of all senders per answer.
        late_us: by how much the latest 1 % of the requests left too late, at the least.
    """

    kind: str
    senders: int
    rate_each: int
    held: float
    cpu_us: float
    late_us: float


def main() -> int:
    """Measure, print, and write the report; fails if two do not hold twice the lowest rate."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    try:
        samples = _measure(options)
    except (BenchmarkError, syncline.SynclineError) as error:
        print(f"bench-scaling: {error}", file=sys.stderr)
        return 1
    report = {
        "command": machine.command("benchmarks.scaling", options),
        "machine": facts,
        "samples": [asdict(one) for one in samples],
    }
    text = _markdown(report, samples)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scaling.md").write_text(text, encoding="utf-8")
    data = json.dumps(report, indent=1) + "\n"
    (options.out / "scaling.json").write_text(data, encoding="utf-8")
    lowest = [one.held for one in samples if one.senders == 2 and one.rate_each == RATES[0]]
    return 0 if median(lowest) > 0.999 else 1


def _measure(options: argparse.Namespace) -> list[Sample]:
    """Rounds of each kind, one and two senders in turn at each rate."""
    samples = []
    with fast_server(cores()[-1]) as url:
        for number in range(options.rounds):
            for rate in RATES:
                for senders in (1, 2) if number % 2 == 0 else (2, 1):
                    result = syncline.load(_plan(url, rate, senders, options, threads=senders))
                    samples.append(_sample("threads", senders, rate, result))
        for senders in (1, 2):
            # The crew is gathered once: what starts a cluster is not what is measured.
            with gathered(Place(agents=senders)) as crew:
                for _ in range(options.rounds):
                    for rate in RATES:
                        result = crew.load(_plan(url, rate, senders, options, threads=1))
                        samples.append(_sample("agents", senders, rate, result))
    return samples


def _plan(url: str, rate: int, senders: int, options: argparse.Namespace, threads: int) -> Plan:
    return Plan(
        url,
        schedule=constant_rate(rate * senders),
        connections=CONNECTIONS * senders,
        threads=threads,
        duration_s=options.duration + 0.5,
        warmup_s=0.5,
    )


def _sample(kind: str, senders: int, rate: int, result: LoadResult) -> Sample:
    late = result.generator.lateness_us
    return Sample(
        kind,
        senders,
        rate,
        held=result.throughput_rps / (rate * senders),
        cpu_us=result.generator.cpu_s / max(result.ok, 1) * 1e6,
        late_us=late.p99 if late is not None else 0.0,
    )


def _markdown(report: dict[str, Any], samples: list[Sample]) -> str:
    lines = [
        "# What a second thread, and a second agent, adds",
        "",
        " ".join((__doc__ or "").split("\n\n")[1].split()),
        "Medians of the rounds, with the least and the most in brackets. On a machine of two cores",
        "the server and both senders share them, so higher rates than these show the machine.",
        "",
        f"Command: `{report['command']}`",
        "",
        *(f"- {name}: {value}" for name, value in report["machine"].items()),
        "",
        "| each sends | by | how many | rate held | CPU, µs per answer | late, p99, µs |",
        "|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        for kind in ("threads", "agents"):
            for senders in (1, 2):
                chosen = [
                    one
                    for one in samples
                    if (one.kind, one.senders, one.rate_each) == (kind, senders, rate)
                ]
                cells = (
                    f"{rate:,}/s",
                    kind,
                    str(senders),
                    _range(chosen, lambda one: one.held, "{:.2%}"),
                    _range(chosen, lambda one: one.cpu_us, "{:.1f}"),
                    _range(chosen, lambda one: one.late_us, "{:,.0f}"),
                )
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _range(samples: list[Sample], of: Callable[[Sample], float], shape: str) -> str:
    values = [of(one) for one in samples]
    middle, least, most = (shape.format(one) for one in (median(values), min(values), max(values)))
    return f"{middle} ({least}–{most})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=2.0, help="measured seconds of a load")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
