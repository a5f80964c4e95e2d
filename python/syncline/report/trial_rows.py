"""A run's trials as rows, one for each, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import fields

from syncline.outcome import LoadResult, Outcome, Quantiles
from syncline.plan import OpenLoop
from syncline.record import RunRecord
from syncline.report import clean
from syncline.trial import Trial

Value = str | int | float | bool | None

_COUNTS = (
    *("duration_s", "throughput_rps", "planned", "started", "ok", "failed", "timed_out"),
    *("in_flight", "bytes_in", "bytes_out"),
)
_TIMES = ("service_time_us", "response_time_us", "first_byte_us", "connect_us")
_QUANTILES = tuple(field.name for field in fields(Quantiles) if field.name != "count")


def trial_rows(record: RunRecord) -> tuple[Mapping[str, Value], ...]:
    """One mapping per finished trial, all with the same keys; None where nothing is known."""
    return tuple(_row(record, trial, outcome) for trial, outcome in record.trials)


def trials_csv(record: RunRecord) -> str:
    """A header and a row per trial; a cell is empty where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = trial_rows(record)
    writer.writerow(rows[0] if rows else ())
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
    return text.getvalue()


def _row(record: RunRecord, trial: Trial, outcome: Outcome) -> dict[str, Value]:
    result = outcome.result
    row: dict[str, Value] = {
        "run": record.id,
        "case": record.case.name,
        "phase": trial.phase,
        "variant": trial.variant.name,
        "load": trial.load.name,
        "connections": trial.load.connections,
        "offered_rps": _offered(trial),
        "repeat": trial.repeat,
        "seed": trial.seed,
        "identity": trial.identity,
        "started_at": outcome.started,
        "validity": outcome.validity.status,
        "reasons": "; ".join(outcome.validity.reasons),
        "hang_from_s": outcome.hang.from_s if outcome.hang else None,
        "hang_longest_s": outcome.hang.longest_s if outcome.hang else None,
    }
    for name in _COUNTS:
        row[name] = getattr(result, name) if result else None
    for times in _TIMES:
        for name in _QUANTILES:
            row[f"{times.removesuffix('_us')}_{name}_us"] = _quantile(result, times, name)
    return row


def _quantile(result: LoadResult | None, times: str, name: str) -> float | None:
    summary: Quantiles | None = getattr(result, times) if result else None
    if summary is None:
        return None
    value: float = getattr(summary, name)
    return value


def _offered(trial: Trial) -> float | None:
    schedule = trial.load.schedule
    if not isinstance(schedule, OpenLoop):
        return None
    rates = {rate for phase in schedule.phases for rate in (phase.from_rps, phase.to_rps)}
    return rates.pop() if len(rates) == 1 else None


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return clean.csv(value) if isinstance(value, str) else str(value)
