"""Runs to make pages of: with everything that a report shows, and with hostile texts in it."""

from __future__ import annotations

from dataclasses import replace

from syncline.finding import Evidence, Finding, Fix
from syncline.outcome import ErrorSample, Observation, Series
from syncline.record import RunRecord
from syncline.report.document import Attachment, Document, Flame
from syncline.report.run_report import build_report
from syncline.trial import Published
from tests.unit.factories import case, hung_result, outcome, run_record, with_rate

HOSTILE = (
    "</script><script>window.pwned = 1</script>"
    '"><img src=x onerror="window.pwned = 1"><svg/onload=window.pwned=1>'
    "\u2028window.pwned = 1\u2029<!--<style>*{display:none}</style>' onfocus=alert(1) autofocus"
)
WHOLE = b"\x1f\x8b the whole profile +/&=#%"


def series(unit: str, *values: float | None) -> Series:
    """Values each 0.1 s."""
    return Series(unit, tuple(round(0.1 * (i + 1), 1) for i in range(len(values))), values)


def observed_run(text: str = "") -> RunRecord:
    """A run whose sync variant hangs at 48 connections, observed; ``text`` is in all its texts."""
    waits = (0.0, 5.0, 15.0, 15.0, 15.0, None, 15.0)
    hung = outcome(
        hung_result(error_samples=(ErrorSample("response-timeout", 3, 0.6, 0.9, text),)),
        series={
            "probe.pool_checked_out": series("1", *waits),
            "probe.pool_limit": series("1", *(15.0 for _ in waits)),
            "probe.loop_lag_max_ms": series("ms", 1, 2, 3, 900, 2, 1, 1),
            "process.rss_bytes": series("bytes", *(9e7 for _ in waits)),
        },
        observations=(
            Observation("probe", "loop-blocked", "", 0.4, {"lag_ms": 900, "where": text}),
            Observation("process", "note", f"not seen: {text}"),
        ),
    )
    asked = case()
    record = run_record(
        {
            ("sync", 1): with_rate(70.0),
            ("async", 1): with_rate(84.0),
            ("sync", 48): hung,
            ("async", 48): with_rate(800.0),
        },
        case=replace(
            asked,
            title=asked.title + text,
            question=text,
            source=text,
            published=(
                Published("sync", 1, throughput_rps=70.6),
                Published("sync", 48, note="hang"),
            ),
        ),
        command_line=("syncline", "run", "users", "-H", f"X-Name: {text}"),
    )
    return replace(record, findings=(finding(text),))


def finding(text: str = "") -> Finding:
    """A grave one, with evidence at 0.4 s."""
    return Finding(
        code="pool-deadlock",
        severity="error",
        confidence=0.9,
        variant="sync",
        level=48,
        summary=f"Answers stopped. {text}",
        mechanism=f"All wait for each other. {text}",
        evidence=(
            Evidence(f"connections checked out {text}", 15, 15, 0.4, "probe"),
            Evidence("said", text or "nothing", None, None, "log"),
        ),
        fix=Fix(
            f"Close it. {text}", example=f"x = 1  # {text}", what_if={"admission": text or "54"}
        ),
    )


def hostile_report() -> Document:
    """A report in which every text of strangers attacks the page, a flame graph's frames too."""
    stacks = ((("main", HOSTILE), 3), (("main", "work"), 1))
    report = build_report(observed_run(HOSTILE))
    whole = Attachment(HOSTILE, "application/gzip", WHOLE)
    return Document((*report.nodes, Flame(HOSTILE, stacks, against=stacks, whole=whole)))
