"""Rows as values: a run without its trials, a trial with its outcome, a line of a list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select, update

from syncline.codec import from_json
from syncline.errors import PlanError, StoreError, UsageError
from syncline.outcome import Outcome
from syncline.record import RunRecord, Status
from syncline.store.payload import pack, unpack
from syncline.store.schema import RUNS
from syncline.trial import Trial

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list of runs.

    Attributes:
        planned, done: how many trials were asked for, and how many are in the store.
        commit: of the user's repository; None if there was none.
        dirty: whether that had uncommitted changes.
    """

    id: str
    case: str
    purpose: str
    status: Status
    started: str
    ended: str | None
    planned: int
    done: int
    commit: str | None = None
    dirty: bool | None = None


def head_values(record: RunRecord) -> dict[str, Any]:
    """The columns of a run, but for its id, status and end."""
    head = replace(record, trials=(), comparisons=(), findings=())
    payload, checksum = pack(head)
    return {
        "case_name": head.case.name,
        "purpose": head.purpose,
        "started": head.started,
        "planned": len(head.planned),
        "commit_id": head.environment.commit,
        "dirty": head.environment.dirty,
        "payload": payload,
        "checksum": checksum,
    }


def read_head(connection: Connection, run_id: str, where: str) -> tuple[RunRecord, Row[Any]]:
    """A run without its trials, and its row.

    Raises:
        UsageError: there is no such run.
        StoreError: it is damaged.
    """
    row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
    if row is None:
        raise UsageError(f"The store {where} has no run {run_id!r}.")
    what = f"Run {run_id} in {where}"
    return _decode(RunRecord, unpack(row.payload, row.checksum, what), what), row


def write_head(connection: Connection, record: RunRecord) -> None:
    """Writes the run's own columns again; its status stays."""
    connection.execute(update(RUNS).where(RUNS.c.id == record.id).values(**head_values(record)))


def trial_of(row: Row[Any], what: str) -> tuple[Trial, Outcome]:
    """A trial with its outcome.

    Args:
        what: the trial in words, for messages.

    Raises:
        StoreError: it is damaged.
    """
    data = unpack(row.payload, row.checksum, what)
    if not isinstance(data, dict):
        raise StoreError(f"{what} does not have the shape of a trial.")
    return (
        _decode(Trial, data.get("trial"), what),
        _decode(Outcome, data.get("outcome"), what),
    )


def trial_values(run_id: str, trial: Trial, outcome: Outcome) -> dict[str, Any]:
    """The columns of a trial."""
    payload, checksum = pack({"trial": trial, "outcome": outcome})
    return {
        "run_id": run_id,
        "identity": trial.identity,
        "variant": trial.variant.name,
        "load_name": trial.load.name,
        "connections": trial.load.connections,
        "repeat": trial.repeat,
        "validity": outcome.validity.status,
        "payload": payload,
        "checksum": checksum,
    }


def _decode(cls: type[T], data: object, what: str) -> T:
    try:
        return from_json(cls, data)
    except PlanError as error:
        raise StoreError(f"{what} cannot be read: {error}") from error
