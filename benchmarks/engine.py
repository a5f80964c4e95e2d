"""CPU per request of the load engine against wrk, ab and h2load: ``make bench-engine``.

Each client runs on one core, the server on another. Rounds are interleaved, every second one
in reverse order, so that a drift of the machine meets all clients. CPU is user and system time
of the whole client process; what the program needs to start and report is measured apart and
subtracted. The ratio to wrk is taken within each round.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.clients import CLIENTS, Client, Sample
from benchmarks.measure import BenchmarkError, cores
from benchmarks.servers import fast_server, nginx, nginx_version
from benchmarks.table import engine_markdown

RESULTS = Path(__file__).parent / "results"
DESCRIPTORS = 65_536


@dataclass(frozen=True, slots=True)
class Scenario:
    """One setting in which the clients are compared.

    Attributes:
        title: for the report.
        server: ``nginx`` or ``fast``.
        everyone: with ab and h2load, too, not wrk and Syncline alone.
    """

    title: str
    server: str
    path: str
    connections: int
    everyone: bool = False


SCENARIOS = (
    Scenario("nginx, 12-byte answer, 64 connections", "nginx", "/small", 64, everyone=True),
    Scenario("nginx, 4 KB answer, 64 connections", "nginx", "/4k", 64, everyone=True),
    Scenario("nginx, 12-byte answer, 1 connection", "nginx", "/small", 1),
    Scenario("nginx, 12-byte answer, 256 connections", "nginx", "/small", 256),
    Scenario("nginx, 12-byte answer, 2,000 connections", "nginx", "/small", 2_000),
    Scenario("nginx, 12-byte answer, 10,000 connections", "nginx", "/small", 10_000),
    Scenario("minimal server, 12-byte answer, 64 connections", "fast", "/", 64),
)


def main() -> int:
    """Measure, print, and write the report."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with us
    try:
        report = measure(options)
    except BenchmarkError as error:
        print(f"bench-engine: {error}", file=sys.stderr)
        return 1
    text = engine_markdown(report)
    print("\n" + text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "engine.md").write_text(text)
    (options.out / "engine.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All scenarios; the report as JSON data."""
    raise_descriptor_limit()
    client_cpu, server_cpu = cores()
    lacking = [client.name for client in CLIENTS if not client.here]
    if {"wrk", "syncline"} & set(lacking):
        raise BenchmarkError(f"Not installed: {', '.join(lacking)}; 'make system' installs them.")
    facts = machine.facts() | {
        "busy before": f"{machine.busy_share():.0%} of the machine",
        "nginx": nginx_version(),
        **{client.name: client.version_line() for client in CLIENTS if client.here},
    }
    servers: dict[str, AbstractContextManager[str]] = {
        "nginx": nginx(
            server_cpu, DESCRIPTORS if _descriptors() >= DESCRIPTORS else _descriptors()
        ),
        "fast": fast_server(server_cpu),
    }
    scenarios = []
    for kind, server in servers.items():
        chosen = [s for s in SCENARIOS if s.server == kind and _wanted(s, options)]
        if not chosen:
            continue
        with server as url:
            scenarios += [_compared(scenario, url, client_cpu, options) for scenario in chosen]
    command = machine.command("benchmarks.engine", options)
    return {
        "command": command,
        "rounds": options.rounds,
        "duration_s": options.duration,
        "machine": facts,
        "absent": lacking,
        "scenarios": scenarios,
    }


def raise_descriptor_limit() -> None:
    """As many open files as this process may have, for the clients to inherit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _descriptors() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _wanted(scenario: Scenario, options: argparse.Namespace) -> bool:
    if scenario.connections + 200 > _descriptors():
        print(f"left out, too few descriptors ({_descriptors()}): {scenario.title}")
        return False
    return not options.only or any(word in scenario.title for word in options.only)


def _compared(
    scenario: Scenario, base: str, cpu: int, options: argparse.Namespace
) -> dict[str, Any]:
    """The scenario's rounds; one in which a client fails is told as such, not left out."""
    try:
        rounds = _rounds(scenario, base, cpu, options)
    except BenchmarkError as error:
        print(f"  not measured: {error}", file=sys.stderr)
        return {**asdict(scenario), "rounds": [], "failure": str(error)}
    return {**asdict(scenario), "rounds": rounds, "failure": None}


def _rounds(
    scenario: Scenario, base: str, cpu: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    url = base + scenario.path
    clients = [
        client
        for client in CLIENTS
        if client.here and (scenario.everyone or client.name in ("wrk", "syncline"))
    ]
    print(f"\n{scenario.title}")
    sample_of = {client.name: _prepared(client, url, scenario, cpu, options) for client in clients}
    rounds = []
    for number in range(options.rounds):
        order = clients if number % 2 == 0 else clients[::-1]
        samples = {client.name: sample_of[client.name]() for client in order}
        rounds.append({name: asdict(sample) for name, sample in samples.items()})
        told = ", ".join(f"{c.name} {samples[c.name].cpu_us:.2f}" for c in clients)
        print(f"  round {number + 1} of {options.rounds}: CPU µs per request: {told}", flush=True)
    return rounds


def _prepared(
    client: Client, url: str, scenario: Scenario, cpu: int, options: argparse.Namespace
) -> partial[Sample]:
    """The client, warmed up on this server, its start-up known."""
    start_cpu_s = client.start_cpu_s(url, cpu)
    # Long enough for so many connections to stand and be used.
    client.sample(url, scenario.connections, 2 + scenario.connections // 2_000, cpu, start_cpu_s)
    return partial(client.sample, url, scenario.connections, options.duration, cpu, start_cpu_s)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="of every client, interleaved")
    parser.add_argument("--duration", type=float, default=6, help="of one run, whole seconds")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s, for a first look")
    parser.add_argument("--only", action="append", help="only scenarios with this in their title")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the report")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.duration = 2, 2.0
    return options


if __name__ == "__main__":
    sys.exit(main())
