"""What the probe costs a service: ``make bench-probe``.

A pair is the service twice, with the probe and without, on one core and loaded at once: the kernel
gives them the core by turns of some milliseconds, so whatever slows the machine slows both alike.
(Loaded one after the other they differ by a tenth and more where others use the machine, whatever
they do.) Compared is the CPU that each takes for a request, over many seconds: in one second
``users`` has a full garbage collection or none, and that is a tenth of its CPU.

Of two services without a probe, the one that is started first takes 1 to 2 % more than the other.
So a round is two pairs, the one started in the other order, and its ratio their geometric mean.

Each has half of the core, so what the probe does by the clock would weigh twice as much as on a
core of its own. So its clock is set to half its speed there (:mod:`benchmarks.half_speed`): a
second of the service's CPU has as many of its turns, heartbeats and looks as on a core of its own.

Measured is the cost under a load that goes on: both are loaded for some seconds before, since the
probe records as many requests as it may of a load's first second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import syncline
from benchmarks import machine
from benchmarks.measure import BenchmarkError, cores
from benchmarks.probe_report import probe_markdown
from syncline.backends import provide
from syncline.engine import load
from syncline.experiment.tools import prepare
from syncline.launch import Service, Workspace, start_service
from syncline.observe.probe import ProbeReader
from syncline.outcome import LoadResult
from syncline.plan import Plan, Request
from syncline.trial import Variant
from syncline_cases import load_case

RESULTS = Path(__file__).parent / "results"
_HALF_SPEED = Path(__file__).parent / "half_speed"
SIDES = ("without", "with")
# As many requests as may be are recorded in a load's first second, and in that after a pause: two
# of a clock at half its speed. Both services have that behind them, with no pause after it.
_WARM_S = 3.0
# As clock_getcpuclockid(3) makes it: nanoseconds, where /proc counts ticks of 10 ms.
_CPUCLOCK_SCHED = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """A service and its load.

    Attributes:
        budget: the share of throughput that the probe may cost.
        rounds, duration_s: ``users`` opens connections anew as chance will have it, and collects
            its garbage seldom, so it needs more of them, and longer ones.
    """

    name: str
    title: str
    variant: Variant
    request: Request
    connections: int
    budget: float
    ready_path: str = "/"
    backend: str = ""
    prepare: str = ""
    rounds: int = 12
    duration_s: float = 5.0


def subjects() -> dict[str, Subject]:
    """The services, by name."""
    users, entities = load_case("users"), load_case("entities")
    hello = Variant("hello", app="benchmarks.probe_hello:app")
    get = Request("/v0/entity?id={{string:3}}", expect=(200, 404))
    asynchronous = Subject(
        "users",
        "users, async: FastAPI, SQLAlchemy, asyncpg",
        users.variant("async"),
        Request("/users", expect=(200,)),
        12,
        0.02,
        users.ready_path,
        "postgres",
        users.prepare or "",
        rounds=32,
        duration_s=12.0,
    )
    overload = replace(
        asynchronous,
        name="overload",
        title="users, async, with more connections than its pool has",
        connections=48,
        rounds=12,
    )
    return {
        one.name: one
        for one in (
            Subject("hello", "FastAPI hello, async", hello, Request("/", expect=(200,)), 32, 0.03),
            asynchronous,
            overload,
            Subject(
                "entities",
                "entities, blocking: httptools on uvloop, RocksDB",
                entities.variant("blocking"),
                get,
                64,
                0.02,
                entities.ready_path,
            ),
        )
    }


def main() -> int:
    """Measure, print, and write the report."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services end with us
    try:
        report = measure(options)
    except (BenchmarkError, syncline.SynclineError) as error:
        print(f"bench-probe: {error}", file=sys.stderr)
        return 1
    text = probe_markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "probe.md").write_text(text)
    (options.out / "probe.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All subjects; the report as JSON data."""
    service_cpu, own_cpu = cores()
    facts = machine.facts() | {"busy before": f"{machine.busy_share():.0%} of the machine"}
    os.sched_setaffinity(0, {own_cpu})
    known = subjects()
    if options.duration is not None:
        known = {name: replace(one, duration_s=options.duration) for name, one in known.items()}
    found = []
    for name in options.services or known:
        with Workspace.open() as workspace, contextlib.ExitStack() as stack:
            subject, env = known[name], {}
            if subject.backend:
                backend = stack.enter_context(provide(subject.backend, {}, workspace))
                env = backend.env()
                prepare(subject.prepare, env, workspace)
            rounds = [
                _round(subject, env, workspace, service_cpu, number)
                for number in range(options.rounds or subject.rounds)
            ]
        found.append(
            {
                "name": name,
                "title": subject.title,
                "connections": subject.connections,
                "budget": subject.budget,
                "duration_s": subject.duration_s,
                "rounds": rounds,
            }
        )
    return {
        "command": shlex.join(["python", "-m", "benchmarks.probe", *sys.argv[1:]]),
        "machine": facts,
        "warm_s": _WARM_S,
        "services": found,
    }


def _round(
    subject: Subject, env: dict[str, str], workspace: Workspace, cpu: int, number: int
) -> dict[str, dict[str, float]]:
    """Two pairs, either side started first in one: figures of each side, and their ratio."""
    pairs = [_pair(subject, env, workspace, cpu, order) for order in (SIDES, SIDES[::-1])]
    result = {
        side: {key: geometric_mean(one[side][key] for one in pairs) for key in pairs[0][side]}
        for side in SIDES
    }
    result["ratio"] = {
        key: figure / result["without"][key] for key, figure in result["with"].items()
    }
    result["turns"] = {"cpu_share": fmean(one["turns"]["cpu_share"] for one in pairs)}
    ratio = result["ratio"]["cpu_us"]
    print(f"{subject.name:<9} round {number + 1}: CPU per request × {ratio:.4f}", flush=True)
    return result


def _pair(
    subject: Subject,
    env: dict[str, str],
    workspace: Workspace,
    cpu: int,
    order: tuple[str, ...],
) -> dict[str, dict[str, float]]:
    """Two new processes, loaded at once: each side's figures, and what the probe's turns took."""
    with ProbeReader(workspace.path) as reader, contextlib.ExitStack() as stack:
        services = {}
        path = os.pathsep.join(filter(None, (str(_HALF_SPEED), os.environ.get("PYTHONPATH"))))
        for side in order:
            extra = {"PYTHONPATH": path, "SYNCLINE_PROBE_BLOCK_MS": str(2 * 50)}
            if side == "with":
                extra |= reader.env(extra)
            service = stack.enter_context(
                start_service(
                    subject.variant,
                    workspace=workspace,
                    # The same hash seed, or the order of sets would differ between the sides.
                    env={**env, **extra, "PYTHONHASHSEED": "0"},
                    ready_path=subject.ready_path,
                    cpus=(cpu,),
                )
            )
            services[side] = service
        threads = stack.enter_context(ThreadPoolExecutor(len(order)))
        for warm in [threads.submit(_load, subject, services[side], _WARM_S) for side in order]:
            warm.result()
        reader.mark(time.monotonic_ns())
        before_s = _cpu_s(services["with"])
        waiting = {
            side: threads.submit(_figures, subject, services[side], subject.duration_s)
            for side in order
        }
        result = {side: figures.result() for side, figures in waiting.items()}
        own_s = reader.latest().get("probe.probe_cpu_s_total")
        if own_s is None:
            raise BenchmarkError(f"the probe was not heard from {subject.name}")
        result["turns"] = {"cpu_share": own_s / (_cpu_s(services["with"]) - before_s)}
    return result


def _figures(subject: Subject, service: Service, duration_s: float) -> dict[str, float]:
    before = _cpu_s(service)
    result = _load(subject, service, duration_s)
    cpu_s = _cpu_s(service) - before
    times = result.service_time_us
    if times is None or result.failed or result.timed_out:
        raise BenchmarkError(f"{subject.name} failed requests under load")
    return {
        "rate_rps": result.throughput_rps,
        "cpu_us": cpu_s / result.started * 1e6,
        "p50_us": times.p50,
        "p99_us": times.p99,
    }


def _load(subject: Subject, service: Service, duration_s: float) -> LoadResult:
    return load(
        Plan(
            service.url,
            (subject.request,),
            connections=subject.connections,
            duration_s=duration_s,
        )
    )


def _cpu_s(service: Service) -> float:
    total = 0.0
    for pid in service.pids():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    return total


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probe", description=__doc__)
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=", ".join(subjects()))
    parser.add_argument("--rounds", type=int, help="of each (default: 12, of users 32)")
    parser.add_argument(
        "--duration", type=float, help="seconds of each load (default: 5, of users and overload 12)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
