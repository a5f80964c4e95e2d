"""The report of ``benchmarks.probe`` as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.table import row
from syncline.stats import ratio_interval

FIGURES = (
    ("requests/s", "rate_rps", ",.0f"),
    ("CPU µs/request", "cpu_us", ".1f"),
    ("p50 µs", "p50_us", ",.0f"),
    ("p99 µs", "p99_us", ",.0f"),
)


def probe_markdown(report: Mapping[str, Any]) -> str:
    """The whole page."""
    lines = [
        "# What the probe costs",
        "",
        "The same service twice, with the probe and without, loaded at the same time in a closed",
        "loop: the two share one core, which the kernel gives them by turns of some milliseconds,",
        "and the load generator has another. Of two alike, the one that is started first takes",
        "1 to 2 % more CPU; so a round is two such pairs, started in either order, each of two new",
        "processes. Figures are medians of the rounds. A round's ratio (with over without) is the",
        "geometric mean of its pairs; shown is that over the rounds, with its 95 % confidence",
        "interval (Student's t on the logarithms). CPU is user and system time of the service's",
        "processes per request: what the probe takes.",
        "",
        "On a core of its own a service has twice the throughput and half the latency. What the",
        "probe does by the clock would weigh twice as much here as there; so its clock runs at",
        "half its speed, and a second of the service's CPU has as many turns and heartbeats.",
        f"Right before the loads that are measured, both are loaded for {report['warm_s']:g} s: of",
        "a load's first second the probe records as many requests as it may, and then those of a",
        "tenth of a second in three.",
        "",
        f"Command: `{report['command']}`",
        "",
        *(f"- {name}: {value}" for name, value in report["machine"].items()),
    ]
    for service in report["services"]:
        lines += ["", *_service(service)]
    return "\n".join(lines) + "\n"


def _service(service: Mapping[str, Any]) -> Iterator[str]:
    rounds = service["rounds"]
    yield f"## {service['title']}"
    yield ""
    yield (
        f"{service['connections']} connections, {len(rounds)} rounds, loads of "
        f"{service['duration_s']:g} s."
    )
    yield ""
    yield from row(["figure", "without", "with", "ratio (95 %)"], head=True)
    for title, figure, form in FIGURES:
        sides = [median(one[side][figure] for one in rounds) for side in ("without", "with")]
        yield from row([title, *(f"{side:{form}}" for side in sides), _ratio(rounds, figure)])
    yield ""
    yield from _verdict(rounds, service["budget"])


def _ratio(rounds: Sequence[Mapping[str, Mapping[str, float]]], figure: str) -> str:
    logs = [math.log(one["ratio"][figure]) for one in rounds]
    interval = ratio_interval(logs)
    middle = math.exp(fmean(logs))
    return f"{middle:.3f} ({interval[0]:.3f}–{interval[1]:.3f})" if interval else f"{middle:.3f}"


def _verdict(rounds: Sequence[Mapping[str, Mapping[str, float]]], budget: float) -> Iterator[str]:
    logs = [-math.log(one["ratio"]["cpu_us"]) for one in rounds]
    turns = fmean(one["turns"]["cpu_share"] for one in rounds)
    interval = ratio_interval(logs)
    asked = f"Budget: {budget:.0%}."
    if interval is None:
        yield f"{asked} One round says nothing about it."
        return
    low, high = 1 - interval[1], 1 - interval[0]
    if high <= budget:
        word = "Within it"
    elif low > budget:
        word = "Over it"
    else:
        word = "Not decided by these rounds"
    yield (
        f"{asked} {word}: {low:.1%} to {high:.1%} of the CPU, of which the probe's turns took "
        f"{turns:.1%} by its own clock."
    )
