"""How fast one key-value service is on several HTTP stacks and stores, on one core.

Run ``python -m benchmarks.entities_stacks``; granian and wrk are used where they are
installed. All servers run at once, pinned to one core, and idle unless it is their turn; the
load comes from the other core. In every round each server has its turn under each load, close
to those that it is compared with, in an order that turns around from round to round. The
figure to look at is the ratio within a round; medians go into ``results/entities-stacks.md``.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.entities_report import BASE, Turn, report
from benchmarks.entities_running import Running, installed, serving
from benchmarks.machine import facts
from benchmarks.measure import BenchmarkError, cores
from syncline_cases.entities.prepare import fill
from syncline_cases.entities.store import STORES

RESULT = Path(__file__).resolve().parent / "results" / "entities-stacks.md"
OURS = ("-m", "syncline_cases.entities")
UVICORN = ("-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
LOADS = (("PUT", "syncline"), ("GET", "syncline"), ("PUT", "wrk"), ("GET", "wrk"))
GRANIAN = ("-m", "granian", "--interface", "rsgi", "--loop", "uvloop", "--no-ws")


@dataclass(frozen=True, slots=True)
class Stack:
    """How one server is started; ``{store}``, ``{data}`` and ``{port}`` are filled in.

    Attributes:
        package: what must be installed for it.
        durability: whether it is a row of the table of prices instead.
    """

    name: str
    argv: tuple[str, ...]
    package: str = ""
    durability: bool = False


def _ours(name: str, *options: str, durability: bool = False) -> Stack:
    argv = (*OURS, "--store", "{store}", "--data", "{data}", *options, "{port}")
    return Stack(name, argv, durability=durability)


STACKS = (
    _ours("uvloop + httptools, blocking"),
    _ours("uvloop + httptools, 1 thread", "--threads", "1"),
    _ours("uvloop + httptools, 4 threads", "--threads", "4"),
    Stack(BASE, (*UVICORN, "--port", "{port}", "benchmarks.entities_servers.raw_asgi:app")),
    Stack(
        "granian, RSGI",
        (*GRANIAN, "--port", "{port}", "benchmarks.entities_servers.rsgi:app"),
        package="granian",
    ),
    Stack(
        "uvicorn, FastAPI", (*UVICORN, "--port", "{port}", "benchmarks.entities_servers.fast:app")
    ),
    _ours("group commit", *("--threads", "1", "--durability", "group-commit"), durability=True),
    _ours("sync on every write", "--durability", "sync-every", durability=True),
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=1.5, help="seconds of load per turn")
    parser.add_argument("--stack", action="append", help="only stacks whose name holds this")
    parser.add_argument("--result", type=Path, default=RESULT, help="the report's file")
    options = parser.parse_args(argv)
    try:
        client, server = cores()
    except BenchmarkError as error:
        sys.exit(str(error))
    wanted = options.stack or [""]
    stacks = [
        stack
        for stack in STACKS
        if (not stack.package or installed(stack.package))
        and (stack.name == BASE or any(part in stack.name for part in wanted))
    ]
    absent = [name for name in ("granian",) if not installed(name)]
    turns: list[Turn] = []
    machine = {**facts(), "load average before": f"{os.getloadavg()[0]:.1f}"}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        services = _start(running, Path(folder), stacks, server)
        for number in range(options.rounds):
            for store, (method, generator) in itertools.product(STORES, LOADS):
                chosen = [one for one in services if one.takes(store, method, generator)]
                for service in chosen if number % 2 == 0 else chosen[::-1]:
                    turn = service.turn(number, method, generator, options.duration, client)
                    print(f"round {number + 1}  {turn}", flush=True)
                    turns.append(turn)
    command = "python -m benchmarks.entities_stacks " + " ".join(argv or sys.argv[1:])
    text = report(turns, machine, command.strip(), options.rounds, options.duration, absent)
    options.result.write_text(text)
    print(text)


def _start(running: ExitStack, folder: Path, stacks: Sequence[Stack], cpu: int) -> list[Running]:
    services = []
    for store in STORES:
        for number, stack in enumerate(stacks):
            data = folder / f"{store}-{number}"
            fill(data / "store", store)
            known = {"{store}": store, "{data}": str(data)}
            argv = [known.get(item, item) for item in stack.argv]
            env = {**os.environ, "STORE": store, "DATA": str(data / "store")}
            context = serving(stack.name, store, stack.durability, argv, env, cpu)
            services.append(running.enter_context(context))
    return services


if __name__ == "__main__":
    main()
