"""The store: runs and their trials, in SQLite by default."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Engine, Row, func, insert, select, update

from syncline.codec import from_json
from syncline.diagnosis import diagnose
from syncline.errors import PlanError, StoreError, UsageError
from syncline.mask import mask
from syncline.outcome import Outcome
from syncline.record import RunRecord, Status
from syncline.stats import compare
from syncline.store.database import open_database, transaction
from syncline.store.lease import Lease, is_held
from syncline.store.payload import pack, unpack
from syncline.store.schema import RUNS, TRIALS, ensure_schema
from syncline.trial import Trial

T = TypeVar("T")

DEFAULT_STORE = ".syncline/runs.db"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list of runs.

    Attributes:
        planned, done: how many trials were asked for, and how many are in the store.
    """

    id: str
    case: str
    purpose: str
    status: Status
    started: str
    ended: str | None
    planned: int
    done: int


class Store:
    """Runs kept in one database. Several processes may use one store at the same time.

    A trial is committed in one transaction, flushed to the disk, before :meth:`add_trial`
    returns: it survives the end of this process and of the machine's power.
    """

    def __init__(self, engine: Engine, where: str, path: Path | None):
        self._engine = engine
        self._where = where
        self._path = path
        self._leases: dict[str, Lease] = {}

    @classmethod
    def open(cls, place: str | Path = DEFAULT_STORE) -> Store:
        """The store at a path or a database URL; made if there is none.

        Raises:
            StoreError: it cannot be opened, is another program's, or of another version.
        """
        engine, path = open_database(str(place))
        where = str(path) if path is not None else mask(str(place))
        with transaction(engine, where) as connection:
            ensure_schema(connection, where)
        return cls(engine, where, path)

    def create_run(self, record: RunRecord) -> str:
        """Writes a run without its trials; this process is now the one that runs it.

        Args:
            record: with the status ``running``; its id may be empty.

        Returns:
            its id: the record's, or a new one that sorts by time.

        Raises:
            StoreError: nothing was written.
        """
        run_id = record.id or new_run_id()
        head = replace(record, id=run_id, trials=(), comparisons=(), findings=())
        payload, checksum = pack(head)
        lease = self._path and Lease(self._lease_path(run_id))
        try:
            with transaction(self._engine, self._where) as connection:
                connection.execute(
                    insert(RUNS).values(
                        id=run_id,
                        case_name=head.case.name,
                        purpose=head.purpose,
                        status=head.status,
                        started=head.started,
                        planned=len(head.planned),
                        payload=payload,
                        checksum=checksum,
                    )
                )
        except BaseException:
            if lease:
                lease.close()
            raise
        if lease:
            self._leases[run_id] = lease
        return run_id

    def plan_more(self, run_id: str, trials: tuple[Trial, ...]) -> None:
        """Notes that a run is to have these trials as well, after those that it has planned.

        Raises:
            UsageError: there is no such run.
            StoreError: nothing was written.
        """
        what = f"Run {run_id} in {self._where}"
        with transaction(self._engine, self._where) as connection:
            run = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
            if run is None:
                raise UsageError(f"The store {self._where} has no run {run_id!r}.")
            head = _decode(RunRecord, unpack(run.payload, run.checksum, what), what)
            head = replace(head, planned=(*head.planned, *trials))
            payload, checksum = pack(head)
            connection.execute(
                update(RUNS)
                .where(RUNS.c.id == run_id)
                .values(planned=len(head.planned), payload=payload, checksum=checksum)
            )

    def add_trial(self, run_id: str, trial: Trial, outcome: Outcome) -> None:
        """Commits a finished trial, whole.

        Raises:
            StoreError: it is not in the store; earlier trials are.
        """
        payload, checksum = pack({"trial": trial, "outcome": outcome})
        with transaction(self._engine, self._where) as connection:
            connection.execute(
                insert(TRIALS).values(
                    run_id=run_id,
                    identity=trial.identity,
                    variant=trial.variant.name,
                    load_name=trial.load.name,
                    connections=trial.load.connections,
                    repeat=trial.repeat,
                    validity=outcome.validity.status,
                    payload=payload,
                    checksum=checksum,
                )
            )

    def finish_run(self, run_id: str, status: Status) -> None:
        """Ends a run; a later end of the same run wins.

        Raises:
            StoreError: the store still calls it running; it will be found interrupted.
        """
        try:
            with transaction(self._engine, self._where) as connection:
                connection.execute(
                    update(RUNS).where(RUNS.c.id == run_id).values(status=status, ended=now())
                )
        finally:
            if lease := self._leases.pop(run_id, None):
                lease.close()

    def load_run(self, run_id: str) -> RunRecord:
        """A run with the trials that it has so far, in the order they were finished.

        Raises:
            UsageError: there is no such run.
            StoreError: it, or one of its trials, is damaged.
        """
        by_position = TRIALS.c.position
        with transaction(self._engine, self._where) as connection:
            run = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
            rows = connection.execute(
                select(TRIALS).where(TRIALS.c.run_id == run_id).order_by(by_position)
            ).all()
        if run is None:
            raise UsageError(f"The store {self._where} has no run {run_id!r}.")
        what = f"Run {run_id} in {self._where}"
        head = _decode(RunRecord, unpack(run.payload, run.checksum, what), what)
        trials = tuple(
            _trial_of(row, f"Trial {number} of run {run_id} in {self._where}")
            for number, row in enumerate(rows, 1)
        )
        record = replace(
            head, status=self._status(run.id, run.status), ended=run.ended, trials=trials
        )
        swept = record.of_phase("sweep")
        return replace(record, comparisons=compare(swept), findings=diagnose(swept))

    def runs(self) -> tuple[RunSummary, ...]:
        """All runs, the newest first."""
        done = select(TRIALS.c.run_id, func.count().label("done")).group_by(TRIALS.c.run_id)
        counts = done.subquery()
        query = (
            select(RUNS, func.coalesce(counts.c.done, 0).label("done"))
            .outerjoin(counts, counts.c.run_id == RUNS.c.id)
            .order_by(RUNS.c.started.desc(), RUNS.c.id.desc())
        )
        with transaction(self._engine, self._where) as connection:
            rows = connection.execute(query).all()
        return tuple(
            RunSummary(
                id=row.id,
                case=row.case_name,
                purpose=row.purpose,
                status=self._status(row.id, row.status),
                started=row.started,
                ended=row.ended,
                planned=row.planned,
                done=row.done,
            )
            for row in rows
        )

    def close(self) -> None:
        """Lets go of the database and of the runs that were not finished."""
        for lease in self._leases.values():
            lease.close()
        self._leases.clear()
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _lease_path(self, run_id: str) -> Path:
        if self._path is None or not run_id.replace("-", "").isalnum():
            raise StoreError(f"{run_id!r} cannot be the id of a run.")
        return self._path.with_name(f"{self._path.name}-running") / run_id

    def _status(self, run_id: str, status: Status) -> Status:
        """A run that is called running while nobody runs it was interrupted."""
        if status != "running" or self._path is None or run_id in self._leases:
            return status
        return "running" if is_held(self._lease_path(run_id)) else "interrupted"


def new_run_id() -> str:
    """An id that sorts by the time of its making, such as ``20260102-030405-9f2c``."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def now() -> str:
    """This instant as UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trial_of(row: Row[Any], what: str) -> tuple[Trial, Outcome]:
    data = unpack(row.payload, row.checksum, what)
    if not isinstance(data, dict):
        raise StoreError(f"{what} does not have the shape of a trial.")
    return (
        _decode(Trial, data.get("trial"), what),
        _decode(Outcome, data.get("outcome"), what),
    )


def _decode(cls: type[T], data: object, what: str) -> T:
    try:
        return from_json(cls, data)
    except PlanError as error:
        raise StoreError(f"{what} cannot be read: {error}") from error
