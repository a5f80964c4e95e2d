"""One load's result as a document, the verdict last, where the eye is when it ends."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.hang import hang_of
from syncline.mask import mask
from syncline.outcome import LoadResult
from syncline.plan import ClosedLoop, OpenLoop, Phase, Plan
from syncline.report import units
from syncline.report.document import (
    Document,
    Facts,
    Heading,
    Node,
    Note,
    Paragraph,
    Sparkline,
)
from syncline.report.document import sentences as paragraph
from syncline.report.incidents import after_silence, hang_words
from syncline.report.load_health import health_rows
from syncline.report.load_tables import ends_table, latency_table, request_table
from syncline.report.load_verdict import verdict
from syncline.report.spectrum import latency_bars, spectrum_table

NOTES = {
    "keep-alive-off": "The server closed connections although keep-alive was asked for: each "
    "request paid for a new connection.",
    "garbage-after-response": "The server sent bytes after the end of a response; those "
    "connections were dropped.",
    "flow": "Sent from Python, step by step: each request costs the generator many times what the "
    "engine's do, and above some 80 % of a core its own waiting is part of what it records.",
}
# Codes of what the report says elsewhere, with its figures.
_SAID = frozenset({"generator-bound", "connections-never-served", "interrupted"})


def build_load(
    plan: Plan, result: LoadResult, *, detail: bool = False, interrupted: bool = False
) -> Document:
    """The report of ``syncline load``.

    Args:
        detail: add the detailed percentile spectrum.
        interrupted: the load was stopped from outside; the result is what there was by then.
    """
    return Document(tuple(_nodes(plan, result, detail, interrupted)))


def build_verdict(plan: Plan, result: LoadResult, *, interrupted: bool = False) -> Document:
    """Only the last line of :func:`build_load`."""
    return Document((_verdict(plan, result, interrupted),))


def _nodes(plan: Plan, result: LoadResult, detail: bool, interrupted: bool) -> Iterator[Node]:
    yield Heading(_what(plan), level=1)
    yield paragraph(_how(plan, result), tone="dim")
    if result.service_time_us is not None or result.error_time_us is not None:
        yield latency_table(result)
        yield paragraph(_which_is_which(plan, result), tone="dim")
    yield from _distribution(result, detail)
    yield from _over_time(result)
    yield ends_table(plan, result)
    if len(result.by_request) > 1:
        yield request_table(result)
    yield Facts(tuple(health_rows(plan, result)))
    if result.silence is not None and hang_of(result) is None:
        end = "to the end" if result.silence.until_end else after_silence(result)
        yield Note("warn", f"{_capital(hang_words(result.silence, None))}, {end}.")
    for code in (code for code in result.notes if code not in _SAID):
        yield Note("info", NOTES.get(code, code))
    yield _verdict(plan, result, interrupted)


def _verdict(plan: Plan, result: LoadResult, interrupted: bool) -> Paragraph:
    return Paragraph(verdict(plan, result, interrupted=interrupted), apart=True)


def _what(plan: Plan) -> str:
    requests = plan.requests
    if len(requests) == 1:
        return f"{requests[0].method} {plan.target}{mask(requests[0].path)}"
    return f"{plan.target}, {len(requests)} kinds of request"


def _how(plan: Plan, result: LoadResult) -> str:
    parts = [
        _schedule(plan.schedule),
        units.plural(plan.connections, "connection"),
        units.plural(plan.threads, "thread"),
        f"{units.span(result.duration_s)} measured",
    ]
    if plan.warmup_s:
        parts[-1] += f" after {units.span(plan.warmup_s)} of warm-up"
    if not plan.keep_alive:
        parts.append("no keep-alive")
    return ", ".join(parts)


def _schedule(schedule: ClosedLoop | OpenLoop) -> str:
    if isinstance(schedule, ClosedLoop):
        pause = schedule.think_time_s
        return f"closed loop, {units.span(pause)} think time" if pause else "closed loop"
    arrivals = " (Poisson)" if schedule.arrivals == "poisson" else ""
    if len(schedule.phases) == 1:
        return f"open loop at {_rate(schedule.phases[0])}{arrivals}"
    steps = ", ".join(
        f"{_rate(phase)} for {units.span(phase.duration_s)}" for phase in schedule.phases[:4]
    )
    more = len(schedule.phases) - 4
    return f"open loop{arrivals}: {steps}{f' and {more} more' if more > 0 else ''}"


def _rate(phase: Phase) -> str:
    if phase.from_rps == phase.to_rps:
        return f"{units.rate(phase.from_rps)}/s"
    return f"{units.rate(phase.from_rps)} to {units.rate(phase.to_rps)}/s"


def _which_is_which(plan: Plan, result: LoadResult) -> str:
    if result.service_time_us is None:
        return "No request succeeded, so there is no service time: this is how long failing took."
    if isinstance(plan.schedule, OpenLoop):
        return (
            "Response time runs from the planned instant, so waiting for a free connection counts: "
            "it is what a user would feel. Service time runs from the actual send. Time-outs count "
            "with the time that was waited."
        )
    return (
        "Service time, from the actual send to the last byte, time-outs with the time waited. A "
        "closed loop sends less while the service stalls, so stalls weigh less than users would "
        "feel; -R shows response time."
    )


def _distribution(result: LoadResult, detail: bool) -> Iterator[Node]:
    recorded = result.histograms
    encoded = recorded.response_time or recorded.service_time
    if encoded is None:
        return
    which = "response time" if recorded.response_time else "service time"
    bars = latency_bars(encoded, recorded.unit_ns, f"{which}, up to")
    if bars.bars:
        yield bars
    if detail:
        yield spectrum_table(encoded, recorded.unit_ns, f"{which} by percentile")


def _over_time(result: LoadResult) -> Iterator[Node]:
    measured = [one for one in result.intervals if not one.warmup and one.end_s > one.start_s]
    if len(measured) < 3:
        return
    # The last interval is often a fragment; its rate would be noise.
    whole = max(one.end_s - one.start_s for one in measured)
    measured = [one for one in measured if one.end_s - one.start_s > 0.5 * whole]
    rates = tuple(one.ok / (one.end_s - one.start_s) for one in measured)
    if any(rates):
        caption = f"{units.rate(min(rates))} to {units.rate(max(rates))}"
        yield Sparkline("req/s over time", rates, caption)
    failures = tuple(float(one.failed + one.timed_out) for one in measured)
    if any(failures):
        peak = max(range(len(failures)), key=failures.__getitem__)
        caption = f"most: {units.count(failures[peak])} from {units.span(measured[peak].start_s)}"
        yield Sparkline("errors over time", failures, caption)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
