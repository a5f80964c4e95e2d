"""The series of a run's trials as CSV: one row for each value, as other programs want it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from syncline.outcome import Outcome
from syncline.report import clean
from syncline.trial import Trial

COLUMNS = (
    *("variant", "load", "connections", "repeat"),
    *("series", "unit", "t_s", "value"),
)


def series_csv(trials: Iterable[tuple[Trial, Outcome]]) -> str:
    """A header and a row per value; ``t_s`` is seconds since that trial's load began.

    A cell is empty where nothing was seen.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trial, outcome in trials:
        place = (
            clean.csv(trial.variant.name),
            clean.csv(trial.load.name),
            trial.load.connections,
            trial.repeat,
        )
        for name, series in sorted(outcome.series.items()):
            what = clean.csv(name), clean.csv(series.unit)
            for t_s, value in zip(series.t_s, series.value, strict=True):
                writer.writerow((*place, *what, t_s, "" if value is None else f"{value:.10g}"))
    return text.getvalue()
