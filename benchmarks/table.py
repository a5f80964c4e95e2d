"""Results of benchmarks as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks.clients import Sample


def engine_markdown(report: dict[str, Any]) -> str:
    """The report of ``benchmarks.engine``."""
    lines = [
        "# What the load engine costs",
        "",
        "The client on one core, the server on another. CPU is user and system time of the",
        "whole client process, per whole successful response; start-up (measured apart) is",
        'subtracted, and "with start-up" leaves it in. Each cell is the median of all rounds,',
        "with the least and the most in brackets; the ratio to wrk is taken within each round.",
        "",
        f"Command: `{report['command']}` "
        f"({report['rounds']} interleaved rounds of {report['duration_s']:g} s)",
        "",
        *(f"- {name}: {value}" for name, value in report["machine"].items()),
    ]
    if report["absent"]:
        lines.append(f"- not on this machine: {', '.join(report['absent'])}")
    for scenario in report["scenarios"]:
        lines += ["", f"## {scenario['title']}", "", *_scenario(scenario["rounds"])]
    return "\n".join(lines) + "\n"


def _scenario(rounds: Sequence[dict[str, dict[str, Any]]]) -> Iterable[str]:
    names = list(rounds[0])
    yield from row(
        ["client", "CPU µs/request", "× wrk", "with start-up", "requests/s", "peak MB"], head=True
    )
    samples = {name: [Sample(**one[name]) for one in rounds] for name in sorted(names, key=_rank)}
    for name, mine in samples.items():
        ratios = [a.cpu_us / b.cpu_us for a, b in zip(mine, samples["wrk"], strict=True)]
        yield from row(
            [
                name,
                spread([one.cpu_us for one in mine], ".2f"),
                "1" if name == "wrk" else spread(ratios, ".3f"),
                f"{median(one.whole_cpu_us for one in mine):.2f}",
                spread([one.rate_rps for one in mine], ",.0f"),
                f"{median(one.peak_bytes for one in mine) / 1e6:.1f}",
            ]
        )


def _rank(name: str) -> int:
    return ["syncline", "wrk", "ab", "h2load"].index(name)


def spread(values: Sequence[float], form: str) -> str:
    """The median, and in brackets the least and the most."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def row(cells: Sequence[str], *, head: bool = False) -> list[str]:
    """A row of a Markdown table; a head brings its rule. The first column is text."""
    line = "| " + " | ".join(cells) + " |"
    return [line, "| --- |" + " ---: |" * (len(cells) - 1)] if head else [line]
