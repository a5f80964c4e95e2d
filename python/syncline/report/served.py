"""The census of connections: a good average may hide that most of them were never served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syncline.outcome import Connections, Outcome, Series
from syncline.report.document import Cell, Census, Column, Node, Table, sentences
from syncline.report.graphics import Served
from syncline.report.levels import trial_words
from syncline.trial import Trial

_UNFAIR = 10


def census_of(trials: Sequence[tuple[Trial, Outcome]]) -> Census | None:
    """One row per trial under load; None without any."""
    rows = tuple(
        _row(trial, outcome.result.connections, outcome.series)
        for trial, outcome in trials
        if outcome.result is not None
    )
    if not rows:
        return None
    return Census("Who was served", rows, tuple(_instead(rows)))


def odd(row: Served) -> bool:
    """Whether a reader must know of it: connections unserved, failed, or served very unevenly."""
    return bool(row.never_served or row.failed) or row.most > _UNFAIR * max(1, row.median)


def _row(trial: Trial, one: Connections, series: Mapping[str, Series]) -> Served:
    return Served(
        key=trial.identity,
        label=trial_words(trial),
        asked=one.asked,
        opened=one.opened,
        failed=one.failed,
        never_served=one.never_served,
        least=one.requests_min,
        median=one.requests_median,
        most=one.requests_max,
        unread=_peak(series, "sockets.unread_over_1s"),
        queued=_peak(series, "sockets.unaccepted"),
    )


def _peak(series: Mapping[str, Series], name: str) -> int | None:
    known = [value for value in series[name].value if value is not None] if name in series else []
    return round(max(known)) if known else None


def _instead(rows: Sequence[Served]) -> Iterator[Node]:
    """Only what is odd: a page of even rows says nothing."""
    shown = [row for row in rows if odd(row)]
    if not shown:
        yield sentences("Every connection was served in every trial.")
        return
    yield Table(
        (
            Column("trial", align="left", key=True),
            *(Column(title) for title in ("asked", "opened", "failed", "never served")),
            *(
                Column(title, group="answers per connection")
                for title in ("least", "median", "most")
            ),
        ),
        tuple(
            (
                Cell(row.label),
                Cell(row.asked, "count"),
                Cell(row.opened, "count"),
                Cell(row.failed, "count", tone="warn" if row.failed else "dim"),
                Cell(row.never_served, "count", tone="bad" if row.never_served else "dim"),
                Cell(row.least, "count"),
                Cell(row.median, "count"),
                Cell(row.most, "count"),
            )
            for row in shown
        ),
    )
    if len(shown) < len(rows):
        yield sentences("In the other trials every connection was served.", tone="dim")
