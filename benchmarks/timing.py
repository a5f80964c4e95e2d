"""What Syncline says of time, held against what is true: ``make bench-timing``.

The servers are those of the calibration tests: one that answers after exactly 5 ms, and one that
freezes at exact instants; both poll on a core of their own and stamp every request. For the stall
the truth is told twice: by the server's own stamps, and in closed form from the schedule alone.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.calibration.models import (
    Stall,
    first_planned_ns,
    mean,
    per_bin,
    quantile,
    response_times_by_truth,
    stdev,
)
from tests.calibration.servers import Truth, serve
from tests.calibration.servers.exact import Exact
from tests.calibration.servers.framework import Listen
from tests.calibration.servers.truth import NS_PER_S

import syncline
from benchmarks import machine
from benchmarks.measure import BenchmarkError, cores
from benchmarks.servers import fast_server
from benchmarks.table import timing_markdown
from syncline.outcome import LoadResult, Quantiles
from syncline.plan import Plan, constant_rate

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = 64
SERVICE_S = 0.005
SERVICE_NS = 5_000_000
EXACT_RATES = (10, 100, 1_000, 2_000, 5_000)
DELIVERED_RATES = (10, 100, 1_000, 10_000, 20_000, 50_000)
STALL_RATE = 1_000
# Half a second out of five, the first one after two and a half.
STALL = Exact(SERVICE_NS, freeze_at_ns=2_500_000_000, freeze_ns=500_000_000, period_ns=NS_PER_S * 5)
POINTS = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999))


def main() -> int:
    """Measure, print, and write the report."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with us
    try:
        report = measure(options)
    except (BenchmarkError, syncline.SynclineError) as error:
        print(f"bench-timing: {error}", file=sys.stderr)
        return 1
    text = timing_markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "timing.md").write_text(text)
    (options.out / "timing.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All three parts; the report as JSON data."""
    cpus = cores()
    facts = machine.facts() | {
        "busy before": f"{machine.busy_share():.0%} of the machine",
        "syncline": syncline.__version__,
    }
    exact = [
        _exact(rate, options.duration, cpus, spin=spin)
        for rate in EXACT_RATES
        for spin in ((False, True) if rate == 1_000 else (False,))
    ]
    with fast_server(cpus[1]) as url:
        delivered = [_delivered(rate, options.duration, url, cpus[0]) for rate in DELIVERED_RATES]
    return {
        "command": machine.command("benchmarks.timing", options),
        "duration_s": options.duration,
        "machine": facts,
        "exact": exact,
        "delivered": delivered,
        "stall": _stall(15.0 if options.duration >= 5 else 10.0, cpus),
    }


def _exact(rate: int, duration_s: float, cpus: tuple[int, int], *, spin: bool) -> dict[str, Any]:
    """A constant rate on the server of constant 5 ms."""
    with serve(Exact(SERVICE_NS), Listen(cpu=cpus[1])) as server:
        result = _load(server.url, rate, duration_s, cpus[0], spin=spin)
        truth = server.truth()
    arrivals = sorted(one.arrived_ns for one in truth.served)
    span_s = (arrivals[-1] - arrivals[0]) / NS_PER_S
    service_us = [second * 1e6 for second in truth.service_s()]
    said = _known(result.service_time_us)
    print(f"5 ms at {rate:,}/s{' spinning' * spin}: p50 {said.p50:,.0f} µs", flush=True)
    return {
        "rate_rps": rate,
        "spin": spin,
        "arrived_rps": (len(arrivals) - 1) / span_s,
        "per_10ms_stdev": stdev(per_bin(arrivals, NS_PER_S // 100)),
        "said_us": {name: getattr(said, name) for name, _ in POINTS[:4]},
        "true_us": {name: quantile(service_us, share) for name, share in POINTS[:4]},
        "response_p50_us": _known(result.response_time_us).p50,
        "lateness_us": _lateness(result),
        "validity": result.validity.status,
    }


def _delivered(rate: int, duration_s: float, url: str, cpu: int) -> dict[str, Any]:
    """A constant rate on a server that can bear any of them."""
    result = _load(url, rate, duration_s, cpu)
    planned = result.planned or 0
    print(f"minimal server at {rate:,}/s: {result.throughput_rps:,.1f}/s answered", flush=True)
    return {
        "rate_rps": rate,
        "planned": planned,
        "answered_rps": result.throughput_rps,
        "unsent": result.generator.unsent,
        "lateness_us": _lateness(result),
        "cpu_share": result.generator.cpu_share,
        "validity": result.validity.status,
    }


def _stall(duration_s: float, cpus: tuple[int, int]) -> dict[str, Any]:
    """A constant rate on the server that freezes."""
    with serve(STALL, Listen(cpu=cpus[1])) as server:
        result = _load(server.url, STALL_RATE, duration_s, cpus[0])
        truth = server.truth()
    print(f"stalling server at {STALL_RATE:,}/s: {len(truth.freezes)} freezes", flush=True)
    served = response_times_by_truth(truth, STALL_RATE)
    form = _closed_form(truth, duration_s)
    response, service = _known(result.response_time_us), _known(result.service_time_us)
    return {
        "rate_rps": STALL_RATE,
        "duration_s": duration_s,
        "connections": CONNECTIONS,
        "response_us": _points(response),
        "service_us": _points(service),
        "true_us": _true_points(served),
        "form_us": _true_points(form),
        "lateness_us": _lateness(result),
        "validity": result.validity.status,
    }


def _load(url: str, rate: int, duration_s: float, cpu: int, *, spin: bool = False) -> LoadResult:
    return syncline.load(
        Plan(
            url,
            schedule=constant_rate(rate),
            connections=CONNECTIONS,
            duration_s=duration_s,
            pin_cpus=(cpu,),
            spin=spin,
        )
    )


def _closed_form(truth: Truth, duration_s: float) -> list[float]:
    start = first_planned_ns(truth, STALL_RATE)
    freezes = tuple(((a - start) / NS_PER_S, (b - start) / NS_PER_S) for a, b in truth.freezes)
    return Stall(STALL_RATE, duration_s, CONNECTIONS, SERVICE_S, freezes).response_times_s()


def _known(quantiles: Quantiles | None) -> Quantiles:
    if quantiles is None:
        raise BenchmarkError("a load got no answer")
    return quantiles


def _lateness(result: LoadResult) -> dict[str, float]:
    late = _known(result.generator.lateness_us)
    return {"p50": late.p50, "p99": late.p99, "max": late.max}


def _points(said: Quantiles) -> dict[str, float]:
    return {"mean": said.mean, **{name: getattr(said, name) for name, _ in POINTS}, "max": said.max}


def _true_points(times_s: Sequence[float]) -> dict[str, float]:
    us = [time * 1e6 for time in times_s]
    return {
        "mean": mean(us),
        **{name: quantile(us, share) for name, share in POINTS},
        "max": max(us),
    }


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timing", description=__doc__)
    parser.add_argument("--duration", type=float, default=10, help="of one run, in seconds")
    parser.add_argument("--quick", action="store_true", help="3 s each, for a first look")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the report")
    options = parser.parse_args(arguments)
    if options.quick:
        options.duration = 3.0
    return options


if __name__ == "__main__":
    sys.exit(main())
