"""The one line that says what a load came to."""

from __future__ import annotations

from syncline.hang import hang_of
from syncline.outcome import LoadResult
from syncline.plan import OpenLoop, Plan
from syncline.report import units
from syncline.report.document import Sentence
from syncline.report.incidents import failure_words, hang_words
from syncline.report.levels import latency


def answered(result: LoadResult) -> bool:
    """Whether the service gave any answer at all, be it an error page."""
    return result.ok > 0 or any(result.status_codes.values())


def verdict(plan: Plan, result: LoadResult, *, interrupted: bool = False) -> tuple[Sentence, ...]:
    """What it came to, and whether that is a measurement."""
    said = [_interrupted(plan, result)] if interrupted else []
    hang = hang_of(result)
    if hang is not None and result.ok:
        text = f"The service hung: {hang_words(hang, result)}."
        said.append(Sentence(text, "bad"))
    said.append(_figures(plan, result, calm=hang is None) if result.ok else _nothing(result))
    if result.validity.status == "invalid":
        reasons = "; ".join(result.validity.reasons) or "no reason was given"
        said.append(Sentence(f"invalid: {reasons}", "bad"))
    return tuple(said)


def _figures(plan: Plan, result: LoadResult, *, calm: bool) -> Sentence:
    lost = result.failed + result.timed_out
    ended = result.ok + lost
    rate = f"{units.rate(result.throughput_rps)} req/s"
    if isinstance(plan.schedule, OpenLoop) and result.planned is not None and result.duration_s:
        rate += f" of {units.rate(result.planned / result.duration_s)} planned"
    times = latency(result)
    if times is not None:
        what = "response time " if result.response_time_us is not None else ""
        rate += f", {what}p50 {units.duration(times.p50)}, p99 {units.duration(times.p99)}"
    if not lost:
        good = calm and result.validity.status == "valid"
        all_ok = f"all {units.count(ended)} answers as expected"
        return Sentence(f"{rate}; {all_ok}.", "good" if good else "normal")
    share = units.share(lost / ended)
    return Sentence(
        f"{rate}; {units.count(lost)} of {units.count(ended)} failed ({share}): "
        f"{failure_words(result) or 'unexpected answers'}.",
        "warn",
    )


def _nothing(result: LoadResult) -> Sentence:
    how = failure_words(result)
    parts = [
        f"{units.count(result.started)} requests begun",
        *([how] if how else []),
        *(
            [f"{units.count(result.in_flight)} still waiting at the end"]
            if result.in_flight
            else []
        ),
    ]
    head = "No answer was a success" if answered(result) else "Nothing was answered"
    return Sentence(f"{head}: {', '.join(parts)}.", "bad")


def _interrupted(plan: Plan, result: LoadResult) -> Sentence:
    asked = f" of {units.span(plan.duration_s)}" if plan.duration_s is not None else ""
    return Sentence(f"Interrupted after {units.span(result.duration_s)}{asked}.", "warn")
