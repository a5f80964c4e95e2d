"""Time and memory of merging many agents' intervals: ``make bench-merge``.

For each second of a simulated run every agent hands in one interval with its two histograms, as
the engine encodes them; they are merged as a run's are (``syncline.agents.align``), and only the
merged interval is kept. The agents' values are drawn from log-normal distributions with medians
that differ, from a store of prepared histograms: making them is not what is measured.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks import machine
from syncline._engine import Histogram
from syncline.agents.align import merge_one
from syncline.agents.histograms import quantiles
from syncline.outcome import Interval

RESULTS = Path(__file__).parent / "results"
BOUND_S = 1.0
BOUND_BYTES_PER_INTERVAL = 100_000
_PREPARED = 200
_SETTLED = 30


def main() -> int:
    """Run, print, and write the report; fails if an interval cost more than its bound."""
    options = _options()
    report = measure(options)
    text = markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "merge.md").write_text(text)
    (options.out / "merge.json").write_text(json.dumps(report, indent=1) + "\n")
    good = (
        report["p99_cpu_s"] < BOUND_S and report["growth_per_interval"] < BOUND_BYTES_PER_INTERVAL
    )
    return 0 if good else 1


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The report as JSON data."""
    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    choose = random.Random(1)
    prepared = [_encoded(choose, options.rate) for _ in range(_PREPARED)]
    process = psutil.Process()
    merged: list[Interval] = []
    took_s, cpu_s, sizes = [], [], []
    for second in range(options.seconds):
        handed_in = list(_agents(choose, prepared, options, second))
        before, cpu = time.perf_counter(), time.process_time()
        one = merge_one(handed_in, 1)
        took_s.append(time.perf_counter() - before)
        cpu_s.append(time.process_time() - cpu)
        merged.append(one)
        sizes.append(process.memory_info().rss)
        if (
            one.service_time_us is None
            or one.service_time_us.count != options.agents * options.rate
        ):
            raise AssertionError("values were lost in merging")
    settled = min(_SETTLED, options.seconds - 1)
    kept = [len(one.service_histogram or "") + len(one.response_histogram or "") for one in merged]
    return {
        "command": machine.command("benchmarks.merge", options),
        "machine": facts,
        "agents": options.agents,
        "seconds": options.seconds,
        "rate": options.rate,
        "bytes_in_per_interval": sum(len(text) for text in prepared) * 2 // _PREPARED,
        "median_s": _at(took_s, 0.5),
        "p99_s": _at(took_s, 0.99),
        "longest_s": max(took_s),
        "median_cpu_s": _at(cpu_s, 0.5),
        "p99_cpu_s": _at(cpu_s, 0.99),
        "settled_bytes": sizes[settled],
        "last_bytes": sizes[-1],
        "most_bytes": max(sizes),
        "growth_per_interval": (sizes[-1] - sizes[settled]) / max(1, len(sizes) - 1 - settled),
        "kept_per_interval": sum(kept) / len(kept),
    }


def markdown(report: dict[str, Any]) -> str:
    """The report as a page."""
    facts = "\n".join(f"- {name}: {value}" for name, value in report["machine"].items())
    return f"""# Merging what {report["agents"]:,} agents recorded

Simulated: {report["seconds"]:,} seconds, in each of which {report["agents"]:,} agents hand in one
interval with two histograms of {report["rate"]:,} values
({report["bytes_in_per_interval"] / 1e3:.1f} kB encoded). The merge is the one of a run; no values
are lost, which is checked.

Command: `{report["command"]}`

{facts}

| per interval: CPU, median | CPU, p99 | elapsed, median | p99 | longest |
| ---: | ---: | ---: | ---: | ---: |
| {report["median_cpu_s"] * 1e3:.0f} ms | {report["p99_cpu_s"] * 1e3:.0f} ms | \
{report["median_s"] * 1e3:.0f} ms | {report["p99_s"] * 1e3:.0f} ms | \
{report["longest_s"] * 1e3:.0f} ms |

The bound is {BOUND_S:g} s of CPU at p99: merging must keep pace with the run. Elapsed
time is longer where others use the machine.

| memory after {_SETTLED} intervals | at the end | most | growth per interval | its result alone |
| ---: | ---: | ---: | ---: | ---: |
| {_mb(report["settled_bytes"])} | {_mb(report["last_bytes"])} | {_mb(report["most_bytes"])} | \
{report["growth_per_interval"] / 1e3:.1f} kB | {report["kept_per_interval"] / 1e3:.1f} kB |

What grows is the series that was asked for; the number of agents does not stand in it. This is the
merge alone. A run of today receives each agent's result whole at its end, so that its driver also
holds all of them until they are merged: see "What a driver needs" in docs/cluster.md.
"""


def _encoded(choose: random.Random, rate: int) -> str:
    histogram = Histogram()
    median_ns = choose.uniform(1e6, 2e7)
    for _ in range(rate):
        histogram.record(round(median_ns * math.exp(choose.gauss(0.0, 0.6))))
    return histogram.encode()


def _agents(
    choose: random.Random, prepared: Sequence[str], options: argparse.Namespace, second: int
) -> Iterator[Interval]:
    for _ in range(options.agents):
        service, response = choose.choice(prepared), choose.choice(prepared)
        yield Interval(
            start_s=float(second),
            end_s=second + 1.0,
            warmup=False,
            planned=options.rate,
            started=options.rate,
            ok=options.rate,
            failed=0,
            timed_out=0,
            in_flight=3,
            queued=0,
            busy_mean=3.0,
            bytes_in=options.rate * 200,
            bytes_out=options.rate * 60,
            status={"2xx": options.rate},
            errors={},
            service_time_us=quantiles(None, 1),
            response_time_us=None,
            service_histogram=service,
            response_histogram=response,
        )


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merge", description=__doc__)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=1000, help="requests per agent and second")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the report")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
