"""A run as one JSON file that another store can take in: the JSON of a run and what it leaves out.

The file is the one of docs/architecture.md with two fields more: ``definition``, the case and the
trials as they were asked, and ``sha256``, of everything else, so that a file which was cut short or
changed is never taken for whole.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any

from syncline.codec import from_json, to_json
from syncline.errors import PlanError, UsageError
from syncline.outcome import Outcome
from syncline.record import Environment, Resumption, RunRecord, Settings
from syncline.record_json import SCHEMA, run_json
from syncline.trial import Case, Trial

_SEAL = "sha256"


def archive_json(record: RunRecord) -> dict[str, Any]:
    """The whole run as JSON data, under its seal."""
    trials = {trial.identity: trial for trial in record.planned}
    trials |= {trial.identity: trial for trial, _ in record.trials}
    data: dict[str, Any] = {
        **run_json(record),
        "definition": {
            "case": to_json(record.case),
            "trials": {name: to_json(trial) for name, trial in trials.items()},
            "planned": [trial.identity for trial in record.planned],
            "settings": to_json(record.settings),
            "resumptions": to_json(record.resumptions),
        },
    }
    for entry, (_, outcome) in zip(data["trials"], record.trials, strict=True):
        for field in fields(Outcome):  # also those that the JSON of a run leaves out
            entry.setdefault(field.name, to_json(getattr(outcome, field.name)))
    return {**data, _SEAL: _digest(data)}


def read_archive(text: str, where: str) -> RunRecord:
    """The run that a file holds; comparisons and findings are made anew by who reads it.

    Args:
        where: the file's name, for messages.

    Raises:
        UsageError: it is no such file, was changed or cut short, or is of another version.
    """
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no whole JSON file: {error}.") from error
    if not isinstance(data, dict) or _SEAL not in data or "definition" not in data:
        raise UsageError(
            f"{where} is not a run of Syncline; 'syncline export RUN --format json' writes one."
        )
    if data.get("schema") != SCHEMA:
        raise UsageError(
            f"{where} has schema {data.get('schema')!r}; this Syncline reads {SCHEMA}."
        )
    seal = data.pop(_SEAL)
    if seal != _digest(data):
        raise UsageError(f"{where} was changed or damaged after it was written; export it again.")
    try:
        return _record(data)
    except (PlanError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where} cannot be read by this version: {error}") from error


def _record(data: dict[str, Any]) -> RunRecord:
    definition = data["definition"]
    trials = {
        name: from_json(Trial, value, f"definition.trials.{name}")
        for name, value in definition["trials"].items()
    }
    names = [field.name for field in fields(Outcome)]
    return RunRecord(
        id=str(data["id"]),
        case=from_json(Case, definition["case"], "definition.case"),
        purpose=str(data["purpose"]),
        status=data["status"],
        started=str(data["started"]),
        ended=data["ended"],
        command_line=tuple(str(word) for word in data["command_line"]),
        environment=from_json(Environment, data["environment"], "environment"),
        planned=tuple(trials[name] for name in definition["planned"]),
        trials=tuple(
            (
                trials[entry["identity"]],
                from_json(
                    Outcome,
                    {name: entry[name] for name in names if name in entry},
                    f"trials[{number}]",
                ),
            )
            for number, entry in enumerate(data["trials"])
        ),
        settings=from_json(Settings, definition["settings"], "definition.settings"),
        resumptions=tuple(
            from_json(Resumption, value, "definition.resumptions")
            for value in definition["resumptions"]
        ),
    )


def _digest(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
