"""What a comparison's table says, in plain sentences computed from its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from syncline.record import Comparison, RunRecord
from syncline.report import units
from syncline.report.incidents import incidents
from syncline.report.levels import Grid, Level, level_words, levels_words
from syncline.report.original import Original
from syncline.stats.words import percent

TIE = 0.05
"""Without an interval, figures closer than this share are not told apart."""

_NAMED = 2  # variants that a sentence lists by name
_Lead = Literal["other", "base", "tie"]


def verdicts(record: RunRecord, grid: Grid, original: Original) -> tuple[str, ...]:
    """The sentences, most important first."""
    base, *others = grid.variants
    return (
        *(text for other in others for text in _who_leads(record, grid, base, other)),
        *(text for variant in grid.variants for text in _what_stopped(grid, variant)),
        *(text for other in others[:1] for text in _tail(grid, base, other)),
        *(text for other in others[:1] for text in _shape(record, grid, original, base, other)),
        *(text for variant in grid.variants for text in _hangs_then(grid, original, variant)),
        *_confidence(grid),
    )


def ratio_of(
    record: RunRecord, grid: Grid, level: Level, base: str, other: str
) -> tuple[float | None, Comparison | None]:
    """Throughput of ``other`` over ``base``, with the run's own comparison if it has one."""
    alike = [one for one in grid.levels if (one.load, one.connections) == _key(level)]
    for found in record.comparisons:
        if (
            len(alike) == 1
            and (found.load, found.connections) == _key(level)
            and (found.baseline, found.candidate) == (base, other)
            and found.metric == "throughput_rps"
        ):
            return found.ratio, found
    below, above = grid.at(level, base).throughput_rps, grid.at(level, other).throughput_rps
    return (above / below if above is not None and below else None), None


def _key(level: Level) -> tuple[str, int]:
    return level.load, level.connections


def _who_leads(record: RunRecord, grid: Grid, base: str, other: str) -> Iterator[str]:
    leads: dict[_Lead, list[tuple[Level, float]]] = {"other": [], "base": [], "tie": []}
    certain = False
    seen: list[float] = []
    for level in grid.levels:
        ratio, comparison = ratio_of(record, grid, level, base, other)
        if ratio is None or ratio <= 0:
            continue
        certain = certain or (comparison is not None and comparison.verdict is not None)
        leads[_lead(ratio, comparison)].append((level, ratio))
        if comparison is not None and comparison.verdict == "no difference shown":
            seen += [comparison.could_have_seen] if comparison.could_have_seen is not None else []
    for key, winner, loser in (("other", other, base), ("base", base, other)):
        found = leads["other" if key == "other" else "base"]
        if found:
            factors = [ratio if key == "other" else 1 / ratio for _, ratio in found]
            where = levels_words(tuple(level for level, _ in found), grid)
            yield f"{winner} answers more than {loser} at {where}: {_range(factors)} its rate."
    if leads["tie"]:
        where = levels_words(tuple(level for level, _ in leads["tie"]), grid)
        why = (
            "the interval of their ratio holds 1"
            + (f" (could have seen {_seen(seen)})" if seen else "")
            if certain
            else f"they are within {units.share(TIE)} of each other"
        )
        yield f"{base} and {other} show no difference at {where}: {why}."


def _seen(shares: list[float]) -> str:
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} to {high}"


def _lead(ratio: float, comparison: Comparison | None) -> _Lead:
    if comparison is not None and comparison.verdict is not None:
        if comparison.verdict == "no difference shown":
            return "tie"
        return "other" if comparison.verdict == "better" else "base"
    if abs(ratio - 1) <= TIE:
        return "tie"
    return "other" if ratio > 1 else "base"


def _range(factors: list[float]) -> str:
    low, high = units.significant(min(factors)), units.significant(max(factors))
    return f"{low} times" if low == high else f"{low} to {high} times"


def _what_stopped(grid: Grid, variant: str) -> Iterator[str]:
    """What happened first in full; where it happened again is one more sentence."""
    found: dict[str, list[tuple[Level, str]]] = {}
    for level in grid.levels:
        for happened, text in incidents(grid.at(level, variant)):
            found.setdefault(happened, []).append((level, text))
    for happened, where in found.items():
        (level, text), *again = where
        also = ""
        if grid.at(level, variant).state == "hang" and (others := _kept_on(grid, level, variant)):
            also = f" {others}."
        yield f"{variant} {happened} at {level_words(level, grid)}: {text}.{also}"
        if again:
            levels = levels_words(tuple(level for level, _ in again), grid)
            yield f"{variant} {happened} at {levels} as well."


def _kept_on(grid: Grid, level: Level, variant: str) -> str:
    """Who answered where this one stopped; empty if nobody did."""
    rates = {
        name: figures.throughput_rps
        for name in grid.variants
        if name != variant and (figures := grid.at(level, name)).state == "measured"
    }
    if len(rates) > _NAMED:
        known = [rate for rate in rates.values() if rate is not None]
        ends = dict.fromkeys(units.rate(rate) for rate in (min(known), max(known)))
        return f"{len(rates)} other variants kept answering there ({' to '.join(ends)} req/s)"
    return units.listed(
        tuple(
            f"{name} kept answering there ({units.rate(rate)} req/s)"
            for name, rate in rates.items()
        )
    )


def _tail(grid: Grid, base: str, other: str) -> Iterator[str]:
    for level in reversed(grid.levels):
        a, b = grid.at(level, base), grid.at(level, other)
        if a.p50_us is None or b.p50_us is None:
            continue
        yield (
            f"At {level_words(level, grid)}, half of the answers took at most "
            f"{units.duration(a.p50_us)} ({base}) and {units.duration(b.p50_us)} ({other}), "
            f"99 of 100 at most {units.duration(a.p99_us)} and {units.duration(b.p99_us)}."
        )
        return


def _shape(
    record: RunRecord, grid: Grid, original: Original, base: str, other: str
) -> Iterator[str]:
    pairs: dict[bool, list[tuple[Level, float, float]]] = {True: [], False: []}
    for level in grid.levels:
        then = original.ratio(level, base, other)
        now, comparison = ratio_of(record, grid, level, base, other)
        if then is not None and now:
            pairs[_lead(then, None) == _lead(now, comparison)].append((level, then, now))
    texts = {True: "The order is the original's at", False: "The original's order does not hold at"}
    for holds, found in pairs.items():
        if found:
            levels, then_all, now_all = zip(*found, strict=True)
            yield (
                f"{texts[holds]} {levels_words(levels, grid)} "
                f"({other}/{base} was {_span(then_all)} there, {_span(now_all)} here)."
            )


def _span(factors: Sequence[float]) -> str:
    low, high = units.ratio(min(factors)), units.ratio(max(factors))
    return low if low == high else f"{low} to {high}"


def _hangs_then(grid: Grid, original: Original, variant: str) -> Iterator[str]:
    then = tuple(level for level in grid.levels if original.hung(level, variant))
    now = {level for level in grid.levels if grid.at(level, variant).state in ("hang", "dead")}
    again = tuple(level for level in then if level in now)
    cured = tuple(
        level for level in then if level not in now and grid.at(level, variant).state == "measured"
    )
    new = tuple(
        level for level in grid.levels if level in now and original.answered(level, variant)
    )
    if again:
        yield f"The original's {variant} hung at {levels_words(again, grid)}; so did this one."
    if cured:
        rates = tuple(units.rate(grid.at(level, variant).throughput_rps) for level in cured)
        yield (
            f"The original's {variant} hung at {levels_words(cured, grid)}; "
            f"this one answered there ({units.listed(rates)} req/s)."
        )
    if new:
        yield (f"{variant} stopped at {levels_words(new, grid)}, where the original's answered.")


def _confidence(grid: Grid) -> Iterator[str]:
    if grid.single:
        yield (
            "Each figure is a single run and carries no interval: small differences, "
            "and any order between close figures, may be chance."
        )
    elif any(0 < len(figures.counted) < len(figures.outcomes) for figures in grid.cells.values()):
        yield "Figures are medians over the valid runs; runs that hung or are invalid are left out."
    else:
        yield "Figures are medians over the repeated runs."
