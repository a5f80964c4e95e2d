"""The tables of a load's report: latency, what became of the requests, kinds of request."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.outcome import ErrorSample, LoadResult, Quantiles
from syncline.plan import Plan
from syncline.report import units
from syncline.report.document import Cell, Column, Table, Tone

_LATENCY_ROWS = (
    *(("min", "min"), ("p50", "p50"), ("p75", "p75"), ("p90", "p90"), ("p95", "p95")),
    *(("p99", "p99"), ("p99.9", "p99_9"), ("max", "max"), ("mean", "mean"), ("stdev", "stdev")),
)
_SAMPLE_LENGTH = 200


def latency_table(result: LoadResult) -> Table:
    """Percentiles down; what was timed across, response and service time side by side."""
    timed = (
        ("response time", result.response_time_us),
        ("service time", result.service_time_us),
        ("first byte", result.first_byte_us),
        ("connect", result.connect_us),
        ("failed ones", result.error_time_us),
    )
    shown = [(title, summary) for title, summary in timed if summary is not None]
    rows = [
        (Cell(label, tone="dim"), *(_figure(title, summary, name) for title, summary in shown))
        for label, name in _LATENCY_ROWS
    ]
    counts = (Cell(summary.count, "count", tone="dim") for _, summary in shown)
    rows.append((Cell("count", tone="dim"), *counts))
    columns = (Column("latency", align="left", key=True), *(Column(title) for title, _ in shown))
    return Table(columns, tuple(rows))


def _figure(title: str, summary: Quantiles, name: str) -> Cell:
    main = name in ("p50", "p99") and title in ("response time", "service time")
    tone: Tone = "strong" if main else "normal"
    return Cell(getattr(summary, name) if summary.count else None, "duration_us", tone=tone)


def ends_table(plan: Plan, result: LoadResult) -> Table:
    """What became of the requests that were started: one row per status and kind of error."""
    rows = (*_status_rows(plan, result), *_error_rows(result), *_open_rows(result))
    columns = (
        Column("answers and errors", align="left", key=True),
        Column("count"),
        Column("share"),
        Column("seen at", align="left"),
        Column("first one", align="left", shrinks=True, tone="dim"),
    )
    if not any(row[4].value for row in rows):
        # Nothing went wrong, so there is neither a time nor a sample to show.
        return Table(columns[:3], tuple(row[:3] for row in rows))
    return Table(columns, rows)


def _status_rows(plan: Plan, result: LoadResult) -> Iterator[tuple[Cell, ...]]:
    samples = {sample.kind: sample for sample in result.error_samples}
    for code, number in sorted(result.status_codes.items()):
        unexpected = code in samples or not _expected(plan, code)
        yield _row(f"status {code}", number, result, samples.get(code), bad=unexpected)


def _expected(plan: Plan, code: str) -> bool:
    wanted = [request.expect for request in plan.requests]
    return any(int(code) in codes if codes else code[0] in "23" for codes in wanted)


def _error_rows(result: LoadResult) -> Iterator[tuple[Cell, ...]]:
    samples = {sample.kind: sample for sample in result.error_samples}
    for kind, number in sorted(result.errors.items(), key=lambda item: -item[1]):
        if number:
            yield _row(kind, number, result, samples.get(kind), bad=True)


def _open_rows(result: LoadResult) -> Iterator[tuple[Cell, ...]]:
    if result.in_flight:
        age = result.in_flight_oldest_s
        oldest = f"oldest {units.span(age)} old" if age is not None and age >= 1 else ""
        yield (
            Cell("in flight at the end", tone="warn" if oldest else "dim"),
            Cell(result.in_flight, "count", tone="normal" if oldest else "dim"),
            Cell(_share(result.in_flight, result), "share", tone="normal" if oldest else "dim"),
            Cell(oldest, tone="warn"),
            Cell(""),
        )
    unsent = result.generator.unsent
    if unsent:
        yield (Cell("never sent", tone="bad"), Cell(unsent, "count"), Cell(""), Cell(""), Cell(""))


def _row(
    label: str, number: int, result: LoadResult, sample: ErrorSample | None, *, bad: bool
) -> tuple[Cell, ...]:
    return (
        Cell(label, tone="bad" if bad else "normal"),
        Cell(number, "count"),
        Cell(_share(number, result), "share"),
        Cell(_when(sample) if sample else ""),
        Cell(_shortened(sample.sample), "code") if sample else Cell(""),
    )


def _share(number: int, result: LoadResult) -> float | None:
    return number / result.started if result.started else None


def _when(sample: ErrorSample) -> str:
    first, last = units.span(sample.first_s), units.span(sample.last_s)
    return first if first == last else f"{first} to {last}"


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SAMPLE_LENGTH else one_line[: _SAMPLE_LENGTH - 1] + "…"


def request_table(result: LoadResult) -> Table:
    """The kinds of request beside each other."""
    titles = ("ok", "failed", "timed out", "p50", "p99")
    rows = []
    for one in result.by_request:
        times = one.service_time_us
        rows.append(
            (
                Cell(one.name, "code"),
                Cell(one.ok, "count"),
                Cell(one.failed, "count", tone="bad" if one.failed else "dim"),
                Cell(one.timed_out, "count", tone="bad" if one.timed_out else "dim"),
                Cell(times.p50 if times else None, "duration_us"),
                Cell(times.p99 if times else None, "duration_us"),
            )
        )
    columns = (
        Column("request", align="left", key=True),
        *(Column(title) for title in titles),
    )
    return Table(columns, tuple(rows))
