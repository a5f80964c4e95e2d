"""The report of ``benchmarks.stats`` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MOST_CALLED = 4  # of 40


def stats_markdown(report: Mapping[str, Any]) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield "# Whether comparisons hold what they promise"
    yield ""
    yield from (f"- {name}: {value}" for name, value in report["machine"].items())
    yield f"- command: `{report['command']}`; it took {report['took_s']} s"
    yield from ("", "## Coverage of 95 % intervals, simulated", "")
    yield from _table(
        ("method", "noise", "pairs", "hold the truth"),
        [
            (line["method"], line["noise"], line["pairs"], f"{100 * line['held']:.1f} %")
            for line in report["coverage"]
        ],
    )
    yield from ("", "## A service against itself", "")
    yield _same_words(report["same"], report["rounds"], report["duration_s"])
    yield from ("", "## A known difference", "")
    yield from _table(
        ("loop is longer by", "throughput ratio", "95 % interval", "verdict", "could have seen"),
        [
            (
                f"{100 * (one['longer'] - 1):.0f} %",
                _figure(one["ratio"]),
                _interval(one["interval"]),
                one["words"] or one["reason"],
                _share(one["could_have_seen"]),
            )
            for one in report["known"]
        ],
    )
    if apart := report.get("known_apart"):
        yield from (
            "",
            f"Measured apart from the rest (`python -m benchmarks.stats --known`): {apart}.",
        )


def _same_words(same: Sequence[Mapping[str, Any]], rounds: int, duration_s: float) -> str:
    called = [one for one in same if one["verdict"] not in (None, "no difference shown")]
    without = sum(one["verdict"] is None for one in same)
    seen = sorted(one["could_have_seen"] for one in same if one["could_have_seen"] is not None)
    judged = "holds" if len(called) * 40 <= MOST_CALLED * len(same) else "does not hold"
    words = (
        f"{len(called)} of {len(same)} comparisons call a difference where there is none "
        f"({rounds} rounds of {duration_s:g} s; at most {MOST_CALLED} of 40 may): the promise "
        f"{judged}."
    )
    if seen:
        words += (
            f" In the middle they could have seen {_share(seen[len(seen) // 2])}, "
            f"at best {_share(seen[0])}, at worst {_share(seen[-1])}."
        )
    return words + (f" {without} came to no interval." if without else "")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(value: Sequence[float] | None) -> str:
    return "–" if value is None else f"{value[0]:.3f}–{value[1]:.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
