"""What happened during a trial, and when: the events that its timeline is read by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from syncline.outcome import LoadResult, Observation, Series, Silence
from syncline.report import units
from syncline.report.graphics import Mark

_TIMEOUTS = ("response-timeout", "total-timeout", "connect-timeout")
_FULL = (
    ("probe.pool_checked_out", "probe.pool_limit", "pool full"),
    ("probe.limiter_borrowed", "probe.limiter_tokens", "all threads taken"),
)
_MOST_BLOCKS = 40


def marks_of(
    result: LoadResult | None,
    series: Mapping[str, Series],
    observations: Sequence[Observation],
    *,
    warmup_s: float = 0.0,
    hang: Silence | None = None,
) -> tuple[Mark, ...]:
    """The marks of a trial by their instants."""
    found = [
        *_loads(result, warmup_s, hang),
        *_fills(series),
        *_blocks(observations),
    ]
    return tuple(sorted(found, key=lambda mark: (mark.at_s, mark.kind, mark.text)))


def full_at(series: Mapping[str, Series], used: str, bound: str) -> float | None:
    """When the first of two series first reached the second; None if it never did."""
    taken, limit = series.get(used), series.get(bound)
    if taken is None or limit is None:
        return None
    limits = dict(zip(limit.t_s, limit.value, strict=True))
    for at_s, value in zip(taken.t_s, taken.value, strict=True):
        most = limits.get(at_s)
        if value is not None and most and value >= most:
            return at_s
    return None


def _loads(result: LoadResult | None, warmup_s: float, hang: Silence | None) -> Iterator[Mark]:
    if warmup_s > 0:
        yield Mark(0.0, "warm-up", "warmup", warmup_s)
    silence = hang or (result.silence if result is not None else None)
    if silence is not None:
        text = (
            "no answers" if silence.until_end else f"no answers for {units.span(silence.longest_s)}"
        )
        yield Mark(silence.from_s, text, "stall", silence.from_s + silence.longest_s)
    if result is None:
        return
    by_time = sorted(result.error_samples, key=lambda sample: sample.first_s)
    for sample in [one for one in by_time if one.kind in _TIMEOUTS][:1]:
        yield Mark(max(0.0, sample.first_s), "first time-out", "timeout")
    for sample in [one for one in by_time if one.kind not in _TIMEOUTS][:1]:
        what = f"status {sample.kind}" if sample.kind.isdigit() else sample.kind
        yield Mark(max(0.0, sample.first_s), f"first error: {what}", "error")


def _fills(series: Mapping[str, Series]) -> Iterator[Mark]:
    for used, bound, text in _FULL:
        at_s = full_at(series, used, bound)
        if at_s is not None:
            yield Mark(at_s, text, "full")


def _blocks(observations: Sequence[Observation]) -> Iterator[Mark]:
    """Each time the event loop stood still; of very many, the longest."""
    blocks = [
        (_number(one.data.get("lag_ms")), one.at_s, _place(one.data.get("where")))
        for one in observations
        if one.kind == "loop-blocked" and one.at_s is not None and one.at_s >= 0
    ]
    for lag_ms, at_s, where in sorted(blocks, key=lambda block: -block[0])[:_MOST_BLOCKS]:
        lasted = f" for {units.duration(lag_ms * 1e3)}" if lag_ms else ""
        yield Mark(at_s, f"loop blocked{lasted}{where}", "blocked")


def _place(where: object) -> str:
    """The innermost place in the service's own code: a frame, or words; empty if unknown."""
    match where:
        case [str(file), int(line), str(name)]:
            return f" in {name} ({PurePath(file).name}:{line})"
        case str(words) if words:
            return f" in {words}"
        case _:
            return ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
