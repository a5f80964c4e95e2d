"""What a verification showed, in sentences made of its own figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline.finding import Contrast, Side, SideEffect, Status, Verification
from syncline.report import units
from syncline.report.document import Sentence, Tone

_TONES: Mapping[Status, Tone] = {
    "fixed": "good",
    "improved": "good",
    "no difference shown": "warn",
    "made worse": "bad",
    "not measured": "warn",
}
_BEYOND = 10.0


def proof_sentences(proof: Verification) -> Iterator[Sentence]:
    """The proof itself, what it left out, and what the fix costs beside."""
    settings = units.listed(tuple(f"{name}={value}" for name, value in proof.imposed.items()))
    found = " ".join(f"{_level_words(one, proof)}." for one in proof.levels)
    text = f"Proof: {proof.status}. {settings} imposed, trials in turn. {found}"
    yield Sentence(text, _TONES[proof.status])
    effects = tuple(map(effect_words, proof.side_effects))
    if effects:
        there = units.plural(proof.side_effects[0].level, "connection")
        yield Sentence(f"Beside that, at {there}: {units.listed(effects)}.")
    left_out = tuple(dict.fromkeys(reason for one in proof.levels for reason in one.left_out))
    if left_out:
        more = f"; and {units.count(len(left_out) - 1)} more" if len(left_out) > 1 else ""
        yield Sentence(f"Left out of the proof, {left_out[0]}{more}.", "warn")


def effect_words(effect: SideEffect) -> str:
    """A side effect as what was and what is: ``memory 98.2 MB → 95.1 MB``."""
    show = units.size if effect.unit == "bytes" else units.count
    before, after = show(effect.original), show(effect.fixed)
    return (
        f"{effect.metric} {before} as before"
        if before == after
        else (f"{effect.metric} {before} → {after}")
    )


def _level_words(one: Contrast, proof: Verification) -> str:
    place = f"At {units.plural(one.level, 'connection')}"
    if one.original is None:
        again = _broke(one.fixed) or _shown(one.fixed) or f"{units.rate(one.fixed.rate_rps)} req/s"
        return f"{place}, above its new bound: {again}"
    pairs = units.plural(one.pairs, "pair")
    if one.ratio is not None:
        figures = f"{_compared(one.original, one.fixed, proof)}, {_ratio_words(one)}"
    else:
        figures = f"{_side(one.original)} → {_side(one.fixed)} req/s"
    return f"{place}, {pairs}: {figures}{_seen_words(one)}"


def _compared(before: Side, after: Side, proof: Verification) -> str:
    """The two figures of which the ratio is."""
    if proof.metric == "p99_us":
        return f"p99 {units.duration(before.p99_us)} → {units.duration(after.p99_us)}"
    return f"{units.rate(before.rate_rps)} → {units.rate(after.rate_rps)} req/s"


def _side(side: Side) -> str:
    """A rate that stands for itself, since there is no ratio; a standstill beside it."""
    rate = units.rate(side.rate_rps)
    if side.broke:
        return f"{rate} ({_broke(side)})"
    return f"{rate} ({_interval(side.interval)})" if side.interval is not None else rate


def _broke(side: Side) -> str:
    if not side.broke:
        return ""
    failed = f", up to {units.share(side.errors)} of the requests failed" if side.errors else ""
    return f"broke in {side.broke} of {units.plural(side.trials, 'trial')}{failed}"


def _shown(side: Side) -> str:
    return f"seen again in {side.shows} of {side.trials}" if side.shows else ""


def _seen_words(one: Contrast) -> str:
    """Whether the finding itself went; not said again where the service broke with it."""
    if one.original is None or not one.original.shows or one.original.broke:
        return ""
    return (
        f"; the finding showed in {one.original.shows} of {one.original.trials} trials before, "
        f"in {one.fixed.shows} of {one.fixed.trials} with it"
    )


def _ratio_words(one: Contrast) -> str:
    text = units.ratio(one.ratio)
    if one.interval is None:
        return f"{text}, of a single pair"
    text += f" ({_interval(one.interval)})"
    if one.status != "no difference shown":
        return text
    could = one.could_have_seen
    return f"{text}, no difference shown" + (
        f" (could have seen {_percent(could)})" if could is not None else ""
    )


def _percent(share: float) -> str:
    return "over 1,000 %" if share > _BEYOND else units.share(share)


def _interval(interval: tuple[float, float]) -> str:
    return f"{units.significant(interval[0])}–{units.significant(interval[1])}"
