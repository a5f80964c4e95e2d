"""PostgreSQL from outside, over one connection that is opened before there is any load."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import Any, ClassVar

from syncline.mask import mask
from syncline.observe.observer import APPLICATION, Blind, Observer, Sample
from syncline.observe.shares import Shares
from syncline.observe.statements import Held, Idlers, top
from syncline.outcome import Observation

_CONNECT_S = 5
_STATEMENT_MS = 2000
_STATES = ("active", "idle", "idle_in_transaction", "idle_in_transaction_aborted")
_IDLERS_EVERY_S = 1.0
_ONE_PLACE = (
    "The observer takes one of max_connections: its user may not connect as a WAL sender, "
    "which has a place of its own."
)

_SESSIONS = """
SELECT coalesce(state, 'unknown'), wait_event_type, wait_event, application_name, count(*),
       max(extract(epoch FROM clock_timestamp() - xact_start))
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4
"""
_IDLERS = """
SELECT state, application_name, left(query, 300), count(*),
       max(extract(epoch FROM clock_timestamp() - state_change))
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state LIKE 'idle%'
GROUP BY 1, 2, 3
"""
_COUNTERS = """
SELECT sessions, xact_commit, xact_rollback, blks_hit, blks_read, deadlocks,
       (SELECT count(*) FROM pg_locks WHERE NOT granted)
FROM pg_stat_database WHERE datname = current_database()
"""
_TOP = """
SELECT s.queryid, min(s.query), sum(s.calls), sum(s.total_exec_time), sum(s.rows)
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.queryid IS NOT NULL AND s.query NOT LIKE '%pg_stat_%'
GROUP BY 1 ORDER BY 4 DESC LIMIT 200
"""


class Postgres(Observer):
    """Sessions by state, wait event and application; transactions, locks, blocks, statements.

    Sessions of all databases of the server are counted, since they share ``max_connections``;
    the observer's own is not. Transactions and blocks are those of the service's database, less
    the observer's own transactions.

    Args:
        url: where to connect: as its administrator, who gets in when all places are taken.

    Attributes:
        takes_a_place: whether the observer has one of the places that services can have.

    Raises:
        Blind: nothing can be seen there.
    """

    name = "postgres"
    period_s = 0.25
    apart = True
    units: ClassVar[dict[str, str]] = {"postgres.oldest_transaction_s": "s"}

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise Blind("psycopg is not installed, so PostgreSQL is not watched.") from error
        self._psycopg: Any = psycopg
        self.takes_a_place = True
        self._own = self._own_told = self._commits = 0
        plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
        try:
            self._connection: Any = self._connected(plain)
            self._limits = self._ask(
                "SELECT current_setting('max_connections')::int,"
                " current_setting('superuser_reserved_connections')::int,"
                " coalesce(current_setting('reserved_connections', true), '0')::int"
            )[0]
            version = self._ask("SELECT current_setting('server_version_num')::int")[0][0]
            self._tells = version >= 150_000
            if self._tells:
                self._ask("SELECT pg_stat_force_next_flush()")
            self._own_told = self._own
        except psycopg.Error as error:
            reason = mask(" ".join(str(error).split()))
            raise Blind(f"PostgreSQL is not watched: {reason}") from error
        self._states = Shares("postgres.sessions.", known=_STATES)
        self._waits = Shares("postgres.waits.")
        self._applications = Shares("postgres.applications.", limit=8)
        self._idlers = Idlers()
        self._idlers_at = -1e9
        self._before: dict[int, tuple[str, int, float, int]] = {}

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`."""
        try:
            return self._sample(now)
        except self._psycopg.errors.QueryCanceled:
            return {}  # too busy to tell within the statement's time; the next one may
        except self._psycopg.Error as error:
            reason = mask(" ".join(str(error).split()))
            raise Blind(f"PostgreSQL is no longer watched: {reason}") from error

    def _sample(self, now: float) -> Sample:
        row = self._ask(_COUNTERS)[0]
        sessions, commits, rollbacks, hit, read, deadlocks, waiting_locks = row
        # A session tells the server of its transactions once a second, or when it is made to:
        # of the observer's own, those up to the last time that it was made to are counted.
        self._commits = max(self._commits, commits - self._own_told)
        if self._tells:
            self._ask("SELECT pg_stat_force_next_flush()")
        self._own_told = self._own
        states: dict[str, float] = {}
        waits: dict[str, float] = {}
        applications: dict[str, float] = {}
        oldest_s = 0.0
        for state, kind, event, application, count, age_s in self._ask(_SESSIONS):
            states[state] = states.get(state, 0) + count
            name = application or "unnamed"
            applications[name] = applications.get(name, 0) + count
            if state == "active":
                waiting = f"{kind}_{event}" if kind else "running"
                waits[waiting] = waits.get(waiting, 0) + count
            if state != "idle" and age_s is not None:
                oldest_s = max(oldest_s, float(age_s))
        if now - self._idlers_at >= _IDLERS_EVERY_S:
            self._idlers_at = now
            self._idlers.add(
                Held(state, application, query, count, None if age is None else float(age), now)
                for state, application, query, count, age in self._ask(_IDLERS)
            )
        return {
            "postgres.sessions": sum(states.values()),
            "postgres.max_connections": self._limits[0],
            "postgres.oldest_transaction_s": oldest_s,
            "postgres.locks_waiting": waiting_locks,
            "postgres.new_sessions_total": sessions,
            "postgres.commits_total": self._commits,
            "postgres.rollbacks_total": rollbacks,
            "postgres.blocks_hit_total": hit,
            "postgres.blocks_read_total": read,
            "postgres.deadlocks_total": deadlocks,
            **self._states.counts(states),
            **self._waits.counts(waits),
            **self._applications.counts(applications),
        }

    def begin(self) -> None:
        """See :class:`Observer`."""
        self._idlers.clear()
        self._idlers_at = -1e9
        self._before = self._statements()

    def observations(self) -> tuple[Observation, ...]:
        """Settings, the last statements of idle sessions, and the statements that took longest."""
        ceiling, superuser, reserved = self._limits
        limits = Observation(
            self.name,
            "setting",
            f"max_connections is {ceiling}; an ordinary user can have "
            f"{ceiling - superuser - reserved}.",
            data={
                "max_connections": ceiling,
                "superuser_reserved_connections": superuser,
                "reserved_connections": reserved,
            },
        )
        notes = (self.note(_ONE_PLACE),) if self.takes_a_place else ()
        return (limits, *notes, *self._idlers.observations(self.name), *self._longest())

    def interrupt(self) -> None:
        """See :class:`Observer`."""
        # By its descriptor: the connection itself is in use in the other thread.
        with (
            contextlib.suppress(Exception),
            socket.socket(fileno=socket.dup(self._connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See :class:`Observer`."""
        with contextlib.suppress(Exception):
            self._connection.close()

    def _connected(self, url: str) -> Any:
        """A connection as a WAL sender if that is allowed, else an ordinary one.

        A WAL sender answers queries as well (simple ones), and has a place of its own: an
        ordinary session would take one of ``max_connections`` away from the service.
        """
        how = {
            "autocommit": True,
            "connect_timeout": _CONNECT_S,
            "application_name": APPLICATION,
            "options": f"-c statement_timeout={_STATEMENT_MS}",
            "prepare_threshold": None,
        }
        try:
            connection = self._psycopg.connect(url, **how, replication="database")
        except self._psycopg.Error:
            return self._psycopg.connect(url, **how)
        self.takes_a_place = False
        return connection

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        self._own += 1
        rows: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return rows

    def _longest(self) -> tuple[Observation, ...]:
        """By pg_stat_statements, less what they were at the trial's begin."""
        found = []
        for key, (text, *after) in self._statements().items():
            before = self._before.get(key, (text, 0, 0.0, 0))[1:]
            calls, total_ms, rows = (now - then for now, then in zip(after, before, strict=True))
            if calls > 0:
                figures = {"calls": calls, "total_ms": round(total_ms, 3), "rows": rows}
                found.append((text, figures))
        return top(self.name, found)

    def _statements(self) -> dict[int, tuple[str, int, float, int]]:
        """Empty where the extension is not in the database, not loaded, or not ours to read."""
        if not self._ask("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
            return {}
        try:
            rows = self._ask(_TOP)
        except self._psycopg.Error:
            return {}
        return {
            key: (str(text), int(calls), float(total_ms), int(count))
            for key, text, calls, total_ms, count in rows
        }
