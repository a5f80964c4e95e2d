"""The JSON of a run: the contract of docs/architecture.md, versioned, only ever added to."""

from __future__ import annotations

from typing import Any

from syncline.codec import to_json
from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.trial import Load, Trial

SCHEMA = 1


def run_json(record: RunRecord) -> dict[str, Any]:
    """The run as JSON data. Absent knowledge is None, never 0 or NaN."""
    return {
        "schema": SCHEMA,
        "id": record.id,
        "case": record.case.name,
        "purpose": record.purpose,
        "status": record.status,
        "started": record.started,
        "ended": record.ended,
        "command_line": list(record.command_line),
        "environment": to_json(record.environment),
        "planned": len(record.planned),
        "trials": [trial_json(trial, outcome) for trial, outcome in record.trials],
        "comparisons": to_json(record.comparisons),
        "findings": to_json(record.findings),
    }


def trial_json(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    """One trial of the run."""
    return {
        "identity": trial.identity,
        "variant": trial.variant.name,
        "load": load_json(trial.load),
        "repeat": trial.repeat,
        "seed": trial.seed,
        "phase": trial.phase,
        "about": trial.about,
        "started": outcome.started,
        "validity": to_json(outcome.validity),
        "hang": to_json(outcome.hang),
        "result": to_json(outcome.result),
        "series": to_json(outcome.series),
        "service": to_json(outcome.service),
        "environment": to_json(outcome.environment),
        "observations": to_json(outcome.observations),
    }


def load_json(load: Load) -> dict[str, Any]:
    """A load, its schedule named by its kind and described beside it."""
    data: dict[str, Any] = to_json(load)
    schedule = data.pop("schedule")
    kind = schedule.pop("kind")
    return {"schedule": kind, "schedule_settings": schedule, **data}
