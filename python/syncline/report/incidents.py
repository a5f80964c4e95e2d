"""What went wrong in a trial, in one sentence made of its own figures."""

from __future__ import annotations

from collections import Counter

from syncline.hang import usual_s
from syncline.outcome import LoadResult, Outcome, Silence
from syncline.report import units
from syncline.report.levels import Figures, state_of


def incidents(figures: Figures) -> tuple[tuple[str, str], ...]:
    """What happened (``hung``, ``is invalid``) and how, for each thing a reader must know."""
    found = Counter(what for outcome in figures.outcomes if (what := _incident(outcome)))
    runs = len(figures.outcomes)
    if runs < 2:
        return tuple(found)
    return tuple(
        (happened, f"{text} ({number} of {runs} runs)")
        for (happened, text), number in found.items()
    )


def hang_words(silence: Silence, result: LoadResult | None) -> str:
    """A hang as what it is: since when, how long, who waits, who gave up."""
    start = (
        "no answers at all"
        if silence.from_s < 0.0005
        else (f"no answers from {units.span(silence.from_s)} on")
    )
    parts = [f"{start}, for {units.span(silence.longest_s)}"]
    if result is not None:
        parts.append(f"{units.count(result.in_flight)} in flight")
        parts.append(units.plural(result.timed_out, "time-out"))
        if result.failed:
            parts.append(f"{units.count(result.failed)} failed")
    return "; ".join(parts)


def failure_words(result: LoadResult) -> str:
    """How requests failed, by kind: ``3 response-timeout, 12 with status 500``."""
    kinds = [f"{units.count(number)} {kind}" for kind, number in result.errors.items() if number]
    bad = {
        sample.kind: sample.count
        for sample in result.error_samples
        if sample.kind.isdigit() and sample.kind not in result.errors
    }
    kinds += [f"{units.count(number)} with status {kind}" for kind, number in bad.items()]
    return ", ".join(kinds)


def after_silence(result: LoadResult | None) -> str:
    """What came after a silence that did not last to the end.

    A silence ends with whatever ends, a time-out too; answers came again only if any came.
    """
    good = result is not None and result.ok > 0
    return "then answers came again" if good else "then requests ended, none with success"


def _incident(outcome: Outcome) -> tuple[str, str] | None:
    result = outcome.result
    match state_of(outcome):
        case "hang" if outcome.hang is not None:
            again = "" if outcome.hang.until_end else f"; {after_silence(result)}"
            return "hung", hang_words(outcome.hang, result) + again + _and_reasons(outcome)
        case "dead" if result is not None:
            how = failure_words(result) or f"{units.count(result.in_flight)} in flight at the end"
            return "answered nothing", how + _and_reasons(outcome)
        case "invalid":
            reasons = "; ".join(outcome.validity.reasons) or "no reason was given"
            return "is invalid", reasons + _counted(result)
        case _:
            return _pause(result)


def _and_reasons(outcome: Outcome) -> str:
    if outcome.validity.status == "valid" or not outcome.validity.reasons:
        return ""
    return f"; invalid: {'; '.join(outcome.validity.reasons)}"


def _counted(result: LoadResult | None) -> str:
    if result is None:
        return "; no load was run"
    return (
        f"; counted {units.count(result.ok)} ok, {units.count(result.failed)} failed, "
        f"{units.count(result.timed_out)} timed out"
    )


def _pause(result: LoadResult | None) -> tuple[str, str] | None:
    if result is None or result.silence is None:
        return None
    if result.silence.longest_s < usual_s(result):
        return None
    end = "to the end" if result.silence.until_end else after_silence(result)
    return "paused", f"{hang_words(result.silence, None)}, {end}"
