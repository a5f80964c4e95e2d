"""Whether the load engine's memory stays flat over a long run at full speed: ``make soak``.

The engine runs in this process, against the minimal server of engine/examples; its resident set is
read once a second. The first ten seconds (connections, buffers, histograms of every kind that the
load brings) are the level against which growth is told; the rest should add next to nothing but
the series of intervals that is asked for.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

import syncline
from benchmarks import machine
from benchmarks.engine import raise_descriptor_limit
from benchmarks.measure import BenchmarkError, cores
from benchmarks.servers import fast_server
from syncline.outcome import Progress
from syncline.plan import Plan

RESULTS = Path(__file__).parent / "results"
SETTLED_S = 10.0
BOUND_BYTES = 1_000_000


def main() -> int:
    """Run, print, and write the report; fails if memory grew beyond the bound."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    try:
        report = measure(options)
    except (BenchmarkError, syncline.SynclineError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    text = markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "soak.md").write_text(text)
    (options.out / "soak.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0 if report["growth_bytes"] < BOUND_BYTES else 1


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One long load; the report as JSON data."""
    raise_descriptor_limit()
    _, server_cpu = cores()
    process = psutil.Process()
    # What is noted down must not be seen as growth: room for it is made before.
    instants, sizes = (array("d", bytes(8 * int(options.minutes * 60 + 60))) for _ in range(2))
    count = 0

    def look(progress: Progress) -> None:
        nonlocal count
        if not count or progress.elapsed_s - instants[count - 1] >= 1.0:
            instants[count], sizes[count] = progress.elapsed_s, process.memory_info().rss
            count += 1
            if count % 60 == 0:
                print(f"  {progress.elapsed_s:.0f} s: {sizes[count - 1] / 1e6:.2f} MB", flush=True)

    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    before = process.memory_info().rss
    with fast_server(server_cpu) as url:
        plan = Plan(url, connections=options.connections, duration_s=options.minutes * 60)
        result = syncline.load(plan, on_progress=look)
    seen = [(instants[at], int(sizes[at])) for at in range(count)]
    settled = [rss for at_s, rss in seen if at_s <= SETTLED_S]
    if not settled or seen[-1][0] <= SETTLED_S:
        raise BenchmarkError(f"the run was not longer than {SETTLED_S:g} s")
    return {
        "command": machine.command("benchmarks.soak", options),
        "machine": facts,
        "connections": options.connections,
        "duration_s": result.duration_s,
        "ok": result.ok,
        "failed": result.failed + result.timed_out,
        "before_bytes": before,
        "settled_bytes": settled[-1],
        "last_bytes": seen[-1][1],
        "most_bytes": max(rss for _, rss in seen),
        "growth_bytes": max(rss for at_s, rss in seen if at_s > SETTLED_S) - settled[-1],
        "rss": seen,
    }


def markdown(report: dict[str, Any]) -> str:
    """The report as a page."""
    facts = "\n".join(f"- {name}: {value}" for name, value in report["machine"].items())
    minutes = report["duration_s"] / 60
    return f"""# Memory of the load engine over a long run

{report["connections"]} connections in closed loop at full speed for {minutes:.1f} minutes against
the minimal server; resident set of the whole process, Python and its imports included.

Command: `{report["command"]}`

{facts}

| requests | failed | before the load | after {SETTLED_S:g} s | most after that | growth |
| ---: | ---: | ---: | ---: | ---: | ---: |
| {report["ok"]:,} | {report["failed"]:,} | {_mb(report["before_bytes"])} | \
{_mb(report["settled_bytes"])} | {_mb(report["most_bytes"])} | {_mb(report["growth_bytes"])} |

The bound is {_mb(BOUND_BYTES)}. What a run adds is its series: one interval a second, each with its
histograms.
"""


def _mb(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the report")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
