"""The store: runs and their trials, in SQLite by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sqlalchemy import Engine, delete, func, insert, select, update

from syncline.diagnosis import diagnose
from syncline.errors import StoreError, UsageError
from syncline.mask import mask
from syncline.outcome import Outcome
from syncline.record import Resumption, RunRecord, Status
from syncline.stats import compare
from syncline.store.database import open_database, reading, transaction
from syncline.store.heads import (
    RunSummary,
    head_values,
    read_head,
    trial_of,
    trial_values,
    write_head,
)
from syncline.store.lease import FileLease, Lease, ServerLease, is_held, is_held_on_server
from syncline.store.migrate import migrate
from syncline.store.naming import can_be_id, find, new_run_id
from syncline.store.schema import (
    RUNS,
    SCHEMA_VERSION,
    TRIALS,
    create_schema,
    lock_schema,
    schema_version,
)
from syncline.trial import Trial
from syncline.verify import verified

DEFAULT_STORE = ".syncline/runs.db"


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
        """The store at a path or a database URL; made if there is none, migrated if it is older.

        Raises:
            StoreError: it cannot be opened, is another program's, or of a newer version.
        """
        engine, path = open_database(str(place))
        where = str(path) if path is not None else mask(str(place))
        with reading(engine, where) as connection:
            version = schema_version(connection, where)
        if version is None:
            with transaction(engine, where) as connection:
                lock_schema(connection)
                if schema_version(connection, where) is None:
                    create_schema(connection)
        elif version < SCHEMA_VERSION:
            migrate(engine, where, path)
        return cls(engine, where, path)

    @property
    def where(self) -> str:
        """The store in words, without secrets."""
        return self._where

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
        values = head_values(replace(record, id=run_id))

        def write() -> None:
            with transaction(self._engine, self._where) as connection:
                connection.execute(insert(RUNS).values(id=run_id, status=record.status, **values))

        self._take(run_id, write)
        return run_id

    def resume_run(self, run_id: str, resumption: Resumption) -> None:
        """Takes up a run that nobody runs; this process is now the one that runs it.

        Raises:
            UsageError: there is no such run.
            StoreError: another process is running it, or nothing could be written.
        """

        def write() -> None:
            with transaction(self._engine, self._where) as connection:
                head, _ = read_head(connection, run_id, self._where)
                write_head(connection, replace(head, resumptions=(*head.resumptions, resumption)))
                connection.execute(
                    update(RUNS).where(RUNS.c.id == run_id).values(status="running", ended=None)
                )

        self._take(run_id, write)

    def plan_more(self, run_id: str, trials: tuple[Trial, ...]) -> None:
        """Notes that a run is to have these trials as well, after those that it has planned.

        A trial that it has planned already is not planned twice.

        Raises:
            UsageError: there is no such run.
            StoreError: nothing was written.
        """
        with transaction(self._engine, self._where) as connection:
            head, _ = read_head(connection, run_id, self._where)
            known = {trial.identity for trial in head.planned}
            more = tuple(trial for trial in trials if trial.identity not in known)
            write_head(connection, replace(head, planned=(*head.planned, *more)))

    def note_servers(self, run_id: str, versions: Mapping[str, str]) -> None:
        """Notes the versions of the back ends that a run met, by name.

        Raises:
            UsageError: there is no such run.
            StoreError: nothing was written.
        """
        with transaction(self._engine, self._where) as connection:
            head, _ = read_head(connection, run_id, self._where)
            servers = {**head.environment.servers, **versions}
            environment = replace(head.environment, servers=servers)
            write_head(connection, replace(head, environment=environment))

    def add_trial(self, run_id: str, trial: Trial, outcome: Outcome) -> None:
        """Commits a finished trial, whole.

        Raises:
            StoreError: it is not in the store; earlier trials are.
        """
        values = trial_values(run_id, trial, outcome)
        with transaction(self._engine, self._where) as connection:
            connection.execute(insert(TRIALS).values(**values))

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

    def import_run(self, record: RunRecord) -> None:
        """Writes a run of another store with all its trials, whole or not at all.

        Raises:
            UsageError: a run of that id is here already, or it cannot be the id of a run.
            StoreError: nothing was written.
        """
        if not can_be_id(record.id):
            raise UsageError(f"{record.id!r} cannot be the id of a run.")
        status = "interrupted" if record.status == "running" else record.status
        with transaction(self._engine, self._where) as connection:
            if connection.scalar(select(RUNS.c.id).where(RUNS.c.id == record.id)) is not None:
                raise UsageError(f"The store {self._where} has a run {record.id} already.")
            values = head_values(record)
            connection.execute(
                insert(RUNS).values(id=record.id, status=status, ended=record.ended, **values)
            )
            for trial, outcome in record.trials:
                connection.execute(insert(TRIALS).values(**trial_values(record.id, trial, outcome)))

    def delete_run(self, run_id: str) -> None:
        """Removes a run and its trials. The file keeps its size; later runs fill the room.

        Raises:
            UsageError: there is no such run, or a process is running it.
            StoreError: nothing was removed.
        """
        with transaction(self._engine, self._where) as connection:
            query = select(RUNS.c.status).where(RUNS.c.id == run_id)
            status = connection.execute(query).scalar_one_or_none()
            if status is None:
                raise UsageError(f"The store {self._where} has no run {run_id!r}.")
            if self._status(run_id, status) == "running":
                raise UsageError(f"Run {run_id} is running; stop it before you remove it.")
            connection.execute(delete(TRIALS).where(TRIALS.c.run_id == run_id))
            connection.execute(delete(RUNS).where(RUNS.c.id == run_id))

    def find(self, name: str) -> str:
        """The id of the run that is meant by an id, its beginning, ``latest`` or ``latest~1``.

        Raises:
            UsageError: none or several fit.
        """
        return find(name, [run.id for run in self.runs()], self._where)

    def load_run(self, run_id: str) -> RunRecord:
        """A run with the trials that it has so far, in the order they were finished.

        Raises:
            UsageError: there is no such run.
            StoreError: it, or one of its trials, is damaged.
        """
        by_position = TRIALS.c.position
        with reading(self._engine, self._where) as connection:
            head, run = read_head(connection, run_id, self._where)
            rows = connection.execute(
                select(TRIALS).where(TRIALS.c.run_id == run_id).order_by(by_position)
            ).all()
        trials = tuple(
            trial_of(row, f"Trial {number} of run {run_id} in {self._where}")
            for number, row in enumerate(rows, 1)
        )
        record = replace(
            head, status=self._status(run.id, run.status), ended=run.ended, trials=trials
        )
        swept = record.of_phase("sweep")
        findings = verified(diagnose(swept), record.trials)
        return replace(record, comparisons=compare(swept), findings=findings)

    def runs(self) -> tuple[RunSummary, ...]:
        """All runs, the newest first."""
        done = select(TRIALS.c.run_id, func.count().label("done")).group_by(TRIALS.c.run_id)
        counts = done.subquery()
        # Not the payloads: a list of a thousand runs must not read them all.
        columns = [column for column in RUNS.c if column.name not in ("payload", "checksum")]
        query = (
            select(*columns, func.coalesce(counts.c.done, 0).label("done"))
            .outerjoin(counts, counts.c.run_id == RUNS.c.id)
            .order_by(RUNS.c.started.desc(), RUNS.c.id.desc())
        )
        with reading(self._engine, self._where) as connection:
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
                commit=row.commit_id,
                dirty=row.dirty,
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

    def _take(self, run_id: str, write: Callable[[], None]) -> None:
        """Takes the run's lease, and keeps it if what follows was written."""
        if not can_be_id(run_id):
            raise StoreError(f"{run_id!r} cannot be the id of a run.")
        lease: Lease = (
            ServerLease(self._engine, run_id)
            if self._path is None
            else FileLease(_lease_path(self._path, run_id))
        )
        try:
            write()
        except BaseException:
            lease.close()
            raise
        self._leases[run_id] = lease

    def _status(self, run_id: str, status: Status) -> Status:
        """A run that is called running while nobody runs it was interrupted."""
        if status != "running" or run_id in self._leases:
            return status
        if self._path is None:
            held = is_held_on_server(self._engine, run_id)
        else:
            # The id of a store from elsewhere must not lead out of the leases' directory.
            held = can_be_id(run_id) and is_held(_lease_path(self._path, run_id))
        return "running" if held else "interrupted"


def now() -> str:
    """This instant as UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lease_path(store: Path, run_id: str) -> Path:
    return store.with_name(f"{store.name}-running") / run_id
