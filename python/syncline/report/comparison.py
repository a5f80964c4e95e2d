"""A run of several variants as a document: one table, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

from syncline.capacity import capacities
from syncline.record import Environment, RunRecord
from syncline.report import units
from syncline.report.capacity import capacity_nodes
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Node,
    Note,
    Points,
    Sentence,
    Table,
    sentences,
)
from syncline.report.findings import findings_nodes
from syncline.report.levels import Figures, Grid, Level, grid, state_of
from syncline.report.original import Original
from syncline.report.verdicts import ratio_of, verdicts


def build_comparison(record: RunRecord) -> Document:
    """The report of a run: levels down, variants across, the original's figures beside them."""
    cells = grid(record)
    original = Original.of(record.case)
    return Document(tuple(_nodes(record, cells, original)))


def _nodes(record: RunRecord, cells: Grid, original: Original) -> Iterator[Node]:
    yield from opening_nodes(record)
    if cells.levels:
        yield from table_nodes(record, cells, original)
        yield from said_nodes(record, cells, original)
        yield from findings_nodes(record.findings)
        yield sentences(*_how(record), tone="dim")


def opening_nodes(record: RunRecord) -> Iterator[Node]:
    """The title, and what is missing."""
    yield Heading(f"{record.case.name}: {record.case.title}", level=1)
    if record.status in ("interrupted", "failed") and record.missing:
        yield Note(
            "warn",
            f"This run was {record.status}: {units.plural(len(record.missing), 'trial')} of "
            f"{len(record.planned)} did not run. What was finished is shown.",
        )
    if not record.planned and not record.trials:
        yield sentences("No trial was planned, so there is nothing to show.")
    if record.of_phase("capacity"):
        yield from capacity_nodes(capacities(record.trials))


def table_nodes(record: RunRecord, cells: Grid, original: Original) -> Iterator[Node]:
    """The table of all cells, and what its columns mean."""
    shown = _variants_published(cells, original)
    yield _table(record, cells, original, shown)
    yield sentences(*_legend(cells, original, shown), tone="dim")


def said_nodes(record: RunRecord, cells: Grid, original: Original) -> Iterator[Node]:
    """What the table says, in sentences."""
    yield Heading("What it says")
    yield Points(tuple(Sentence(text) for text in verdicts(record, cells, original)))


def _variants_published(cells: Grid, original: Original) -> tuple[str, ...]:
    return tuple(
        variant
        for variant in cells.variants
        if any(
            original.answered(level, variant) or original.hung(level, variant)
            for level in cells.levels
        )
    )


def _table(record: RunRecord, cells: Grid, original: Original, shown: tuple[str, ...]) -> Table:
    base, *others = cells.variants
    with_interval = any(found.interval is not None for found in record.comparisons)
    columns = [*_key_columns(cells)]
    for variant in cells.variants:
        columns += [Column(title, group=variant) for title in ("req/s", "p50", "p99", "errors")]
    over = f"req/s over {base}" if len(others) > 1 else ""
    for other in others:
        columns.append(Column(other if over else "ratio", group=over, tone="strong"))
        if with_interval:
            columns.append(Column("95 % interval", group=over))
    pair = bool(others) and {base, others[0]} <= set(shown)
    theirs = "published elsewhere"
    columns += [Column(variant, group=theirs, tone="dim") for variant in shown]
    if pair:
        columns.append(Column("ratio", group=theirs, tone="dim"))
    rows = []
    for level in cells.levels:
        row = [*_key_cells(level, cells)]
        for variant in cells.variants:
            row += _figure_cells(cells.at(level, variant))
        for other in others:
            ratio, comparison = ratio_of(record, cells, level, base, other)
            row.append(Cell(ratio, "ratio"))
            if with_interval:
                row.append(Cell(_interval(comparison.interval if comparison else None)))
        row += [original.cell(level, variant) for variant in shown]
        if pair:
            row.append(Cell(original.ratio(level, base, others[0]), "ratio", tone="dim"))
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows))


def _key_columns(cells: Grid) -> Iterator[Column]:
    if len(cells.kinds) > 1:
        yield Column("load", align="left", key=True)
    yield Column("conns", key=True)
    if any(level.offered is not None for level in cells.levels):
        yield Column("offered/s", key=True)


def _key_cells(level: Level, cells: Grid) -> Iterator[Cell]:
    if len(cells.kinds) > 1:
        yield Cell(level.load)
    yield Cell(level.connections, "count")
    if any(other.offered is not None for other in cells.levels):
        yield Cell(level.offered)


def _figure_cells(figures: Figures) -> Iterator[Cell]:
    match figures.state:
        case "measured":
            paused = any(
                outcome.result is not None and outcome.result.silence is not None
                for outcome in figures.counted
            )
            lost = len(figures.counted) < len(figures.outcomes)
            yield Cell(figures.throughput_rps, "rate", tone="warn" if paused or lost else "normal")
            yield Cell(figures.p50_us, "duration_us")
            yield Cell(figures.p99_us, "duration_us")
            yield Cell(figures.errors, "count", tone="warn" if figures.errors else "dim")
        case "hang":
            yield Cell(_since(figures), tone="bad", span=3)
            yield Cell(_errors(figures), "count", tone="warn")
        case "dead":
            yield Cell("nothing answered", tone="bad", span=3)
            yield Cell(_errors(figures), "count", tone="warn")
        case "invalid":
            yield Cell("invalid, see below", tone="warn", span=3)
            yield Cell(_errors(figures), "count", tone="warn")
        case "missing":
            yield Cell("not run", tone="dim", span=4)


def _since(figures: Figures) -> str:
    for outcome in figures.outcomes:
        if state_of(outcome) == "hang" and outcome.hang is not None:
            since = outcome.hang.from_s
            if since < 0.0005:
                return "hang: no answers"
            return f"hang from {units.span(since)} on"
    return "hang"


def _errors(figures: Figures) -> int | None:
    results = [outcome.result for outcome in figures.outcomes if outcome.result is not None]
    return sum(result.failed + result.timed_out for result in results) if results else None


def _interval(interval: tuple[float, float] | None) -> str | None:
    if interval is None:
        return None
    return f"{units.significant(interval[0])}–{units.significant(interval[1])}"


def _legend(cells: Grid, original: Original, shown: tuple[str, ...]) -> Iterator[str]:
    yield _which_latency(cells)
    if len(cells.variants) == 2:
        yield f"ratio is {cells.variants[1]} over {cells.variants[0]}, in req/s."
    if shown:
        source = f" ({original.source})" if original.source else ""
        yield (
            f"Published elsewhere are the original author's own req/s{source}, from another "
            "machine and other versions: compare the shape, not the numbers."
        )


def _which_latency(cells: Grid) -> str:
    opened = any(level.offered is not None for level in cells.levels)
    closed = any(level.offered is None for level in cells.levels)
    service = "service time, from the actual send to the last byte (closed loop)"
    response = "response time, from the planned instant to the last byte (open loop)"
    which = " or ".join(text for text, on in ((service, closed), (response, opened)) if on)
    return f"req/s counts successful answers only; p50 and p99 are {which}."


def _how(record: RunRecord) -> Iterator[str]:
    machine: Environment = record.environment
    cores = units.plural(machine.cores, "core")
    processor = f"{machine.cpu}, {cores}" if machine.cpu else cores
    memory = f", {units.size(machine.memory_bytes)}" if machine.memory_bytes else ""
    durations = {trial.load.duration_s for trial in record.planned}
    each = units.span(durations.pop()) if len(durations) == 1 else "its own time"
    yield f"Run {record.id}, started {record.started}, {each} per trial."
    yield f"{machine.system}, {processor}{memory}; {machine.python}, Syncline {machine.syncline}."
    if record.command_line:
        yield f"Again with: {' '.join(record.command_line)}"
