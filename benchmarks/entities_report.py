"""The report of ``benchmarks.entities_stacks`` as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.table import row, spread

BASE = "uvicorn, raw ASGI"


@dataclass(frozen=True, slots=True)
class Turn:
    """One server under one load, once.

    Attributes:
        cpu_us: the server's CPU per request.
        generator_share: how much of its core the generator used, where it says so.
    """

    round: int
    stack: str
    store: str
    durability: bool
    method: str
    generator: str
    rate_rps: float
    cpu_us: float
    generator_share: float | None = None

    def __str__(self) -> str:
        where = f"{self.stack:<30} {self.store:<8} {self.method:<4} {self.generator:<9}"
        return f"{where} {self.rate_rps:>9,.0f} req/s {self.cpu_us:6.1f} us"


def report(
    turns: Sequence[Turn],
    machine: Mapping[str, str],
    command: str,
    rounds: int,
    duration_s: float,
    absent: Sequence[str],
) -> str:
    """The whole page."""
    lines = [
        "# The key-value service on several HTTP stacks and stores",
        "",
        "Servers on one core, the generator on the other; 64 connections in a closed loop, keys",
        "of 3 random characters, values of 300, all 238,328 keys there. Medians over the rounds,",
        "the least and the most in brackets. Ratios are to the same store behind uvicorn's raw",
        "ASGI in the same round: of rates (more is faster), and of the server's CPU per request",
        "the other way round (more is cheaper), which a busy machine disturbs less.",
        "",
        f"Command: `{command}` ({rounds} interleaved rounds of {duration_s:g} s)",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
    ]
    if absent:
        lines.append(f"- not on this machine: {', '.join(absent)}")
    stores = tuple(dict.fromkeys(turn.store for turn in turns))
    for store in stores:
        for method in ("PUT", "GET"):
            lines += ["", f"## {method}, {store}", ""]
            chosen = [turn for turn in turns if turn.store == store and turn.method == method]
            lines += _stacks([turn for turn in chosen if not turn.durability])
    lines += ["", "## What durability costs: PUT by Syncline", ""]
    lines += _prices([one for one in turns if one.method == "PUT" and one.generator == "syncline"])
    return "\n".join(lines) + "\n"


def _stacks(turns: Sequence[Turn]) -> Iterator[str]:
    by_wrk = any(turn.generator == "wrk" for turn in turns)
    heads = ["stack", "req/s", "ratio", "CPU µs/request", "ratio"]
    yield from row([*heads, *(["req/s by wrk", "ratio by wrk"] if by_wrk else [])], head=True)
    for stack in dict.fromkeys(turn.stack for turn in turns):
        cells = [stack]
        for generator in ("syncline", "wrk") if by_wrk else ("syncline",):
            mine = _of(turns, stack, generator)
            base = _of(turns, BASE, generator)
            both = [(mine[number], base[number]) for number in mine if number in base]
            cells.append(spread([turn.rate_rps for turn in mine.values()], ",.0f"))
            cells.append(spread([one.rate_rps / other.rate_rps for one, other in both], ".2f"))
            if generator == "syncline":
                cells.append(spread([turn.cpu_us for turn in mine.values()], ".1f"))
                cells.append(spread([other.cpu_us / one.cpu_us for one, other in both], ".2f"))
        yield from row(cells)


def _of(turns: Sequence[Turn], stack: str, generator: str) -> dict[int, Turn]:
    return {
        turn.round: turn for turn in turns if (turn.stack, turn.generator) == (stack, generator)
    }


def _prices(turns: Sequence[Turn]) -> Iterator[str]:
    stores = tuple(dict.fromkeys(turn.store for turn in turns))
    ours = [turn for turn in turns if turn.durability or turn.stack.startswith("uvloop")]
    yield from row(["durability", *(f"{store}, req/s" for store in stores)], head=True)
    for stack in dict.fromkeys(turn.stack for turn in ours):
        rates = [
            [turn.rate_rps for turn in ours if (turn.stack, turn.store) == (stack, store)]
            for store in stores
        ]
        name = (
            stack
            if any(one.durability for one in ours if one.stack == stack)
            else (f"survives the process only ({stack.partition(', ')[2]})")
        )
        yield from row([name, *(spread(found, ",.0f") for found in rates)])
