"""A load's result with its graphics: what ``syncline load --html`` writes."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.outcome import LoadResult, Outcome, Validity
from syncline.plan import Plan
from syncline.report.curves import spectrum_chart, spectrum_lines
from syncline.report.document import Document, Heading, Node, Timeline
from syncline.report.graphics import View
from syncline.report.load_report import build_load
from syncline.report.strips import strip


def build_load_page(plan: Plan, result: LoadResult, *, interrupted: bool = False) -> Document:
    """The report of ``syncline load``, its verdict first, with its latency and time course."""
    return Document(tuple(_nodes(plan, result, interrupted)))


def _nodes(plan: Plan, result: LoadResult, interrupted: bool) -> Iterator[Node]:
    title, *details, verdict = build_load(plan, result, interrupted=interrupted).nodes
    yield title
    yield verdict
    lines = tuple(spectrum_lines("latency", (_outcome(result),), 0))
    if lines:
        yield Heading("How latency spreads")
        yield spectrum_chart((View("", lines),))
    course = strip("0", "this load", result, {}, (), warmup_s=plan.warmup_s)
    if course.panels:
        yield Heading("Over time")
        yield Timeline("What was seen, second by second", (course,))
    yield Heading("Figures")
    yield from details


def _outcome(result: LoadResult) -> Outcome:
    return Outcome("", result, Validity(), None)
