"""Results of benchmarks as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks.clients import Sample

NOT_IDLE = 0.05
"""Above this share of the client's core taken by others, figures are no basis for a claim."""


def engine_markdown(report: dict[str, Any]) -> str:
    """The report of ``benchmarks.engine``."""
    lines = [
        "# What the load engine costs",
        "",
        "The client on one core, the server on another. CPU is user and system time of the",
        "whole client process, per whole successful response; start-up (measured apart) is",
        'subtracted, and "with start-up" leaves it in. Each cell is the median of all rounds,',
        "with the least and the most in brackets; the ratio to wrk is taken within each round.",
        '"Others" is the most that other processes took of the client\'s core in any round: above',
        "a few per cent the machine was not idle, and the figures are high and uncertain.",
        "",
        f"Command: `{report['command']}` "
        f"({report['rounds']} interleaved rounds of {report['duration_s']:g} s)",
        "",
        *(f"- {name}: {value}" for name, value in report["machine"].items()),
    ]
    if report["absent"]:
        lines.append(f"- not on this machine: {', '.join(report['absent'])}")
    foreign = [
        sample["foreign_share"]
        for scenario in report["scenarios"]
        for one in scenario["rounds"]
        for sample in one.values()
    ]
    if foreign and median(foreign) > NOT_IDLE:
        lines += [
            "",
            f"**Not an idle machine: others took {median(foreign):.0%} of the client's core in",
            "the median run. These figures show that the benchmark works, and no more;",
            "run it again on an idle machine.**",
        ]
    for scenario in report["scenarios"]:
        lines += ["", f"## {scenario['title']}", ""]
        lines += _scenario(scenario["rounds"]) if scenario["rounds"] else [scenario["failure"]]
    return "\n".join(lines) + "\n"


def _scenario(rounds: Sequence[dict[str, dict[str, Any]]]) -> Iterable[str]:
    names = list(rounds[0])
    yield from row(
        ["client", "CPU µs/request", "× wrk", "with start-up", "requests/s", "peak MB", "others"],
        head=True,
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
                f"{max(one.foreign_share for one in mine):.0%}",
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


def timing_markdown(report: dict[str, Any]) -> str:
    """The report of ``benchmarks.timing``."""
    return "\n".join(
        [
            "# How exact the load engine is",
            "",
            f"Command: `{report['command']}` (runs of {report['duration_s']:g} s, open loop of",
            "constant rate, the engine on one core, the server on another)",
            "",
            *(f"- {name}: {value}" for name, value in report["machine"].items()),
            "",
            "## A server that answers after exactly 5 ms",
            "",
            "Said by Syncline against stamped by the server, which cannot see the way there and",
            "back. Evenness is the standard deviation of arrivals per 10 ms; lateness is the send",
            "minus the planned instant.",
            "",
            *_exact(report["exact"]),
            "",
            "## Rate against rate",
            "",
            "On a server that can bear each of them.",
            "",
            *_delivered(report["delivered"]),
            "",
            "## A server that freezes for 500 ms every 5 s",
            "",
            f"{report['stall']['rate_rps']:,}/s for {report['stall']['duration_s']:g} s on "
            f"{report['stall']['connections']} connections, milliseconds. The closed form follows",
            "from the schedule alone, the truth from the server's stamps; response time is to meet",
            "both. Service time, which is all that a closed loop has, is beside it for contrast.",
            "",
            *_stall(report["stall"]),
            "",
        ]
    )


def _exact(runs: Sequence[dict[str, Any]]) -> Iterable[str]:
    heads = ["asked /s", "arrived /s", "evenness", "p50 said", "p50 true", "p99 said", "p99 true"]
    yield from row([*heads, "lateness p50", "p99 (µs)", ""], head=True)
    for run in runs:
        said, true, late = run["said_us"], run["true_us"], run["lateness_us"]
        times = [said["p50"], true["p50"], said["p99"], true["p99"]]
        yield from row(
            [
                f"{run['rate_rps']:,}",
                f"{run['arrived_rps']:,.2f}",
                f"{run['per_10ms_stdev']:.2f}",
                *(f"{time / 1e3:.3f} ms" for time in times),
                f"{late['p50']:.0f}",
                f"{late['p99']:.0f}",
                _remarks("--spin" if run["spin"] else "", run["validity"]),
            ]
        )


def _delivered(runs: Sequence[dict[str, Any]]) -> Iterable[str]:
    heads = ["asked /s", "answered /s", "off by", "unsent", "lateness p50", "p99 (µs)", "core"]
    yield from row([*heads, ""], head=True)
    for run in runs:
        off = run["answered_rps"] / run["rate_rps"] - 1
        late = run["lateness_us"]
        yield from row(
            [
                f"{run['rate_rps']:,}",
                f"{run['answered_rps']:,.2f}",
                f"{off:+.3%}",
                f"{run['unsent']:,}",
                f"{late['p50']:.0f}",
                f"{late['p99']:.0f}",
                f"{run['cpu_share']:.0%}",
                _remarks("", run["validity"]),
            ]
        )


def _stall(run: dict[str, Any]) -> Iterable[str]:
    rows = (
        ("response time, said", "response_us"),
        ("truth, stamped by the server", "true_us"),
        ("closed form", "form_us"),
        ("service time, said", "service_us"),
    )
    points = list(run["response_us"])
    yield from row(["", *(name.replace("_", ".") for name in points)], head=True)
    for title, key in rows:
        yield from row([title, *(f"{run[key][name] / 1e3:.2f}" for name in points)])


def _remarks(*words: str) -> str:
    return ", ".join(word for word in words if word not in ("", "valid"))
