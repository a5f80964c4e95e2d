"""MariaDB or MySQL from outside, over one connection that is opened before there is any load."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from syncline.mask import mask
from syncline.observe.observer import APPLICATION, Blind, Observer, Sample
from syncline.observe.shares import Shares
from syncline.observe.statements import Held, Idlers, top
from syncline.outcome import Observation

_CONNECT_S = 5
_ANSWER_S = 2
_IDLERS_EVERY_S = 1.0

_SESSIONS = """
SELECT command, user, count(*) FROM information_schema.processlist
WHERE id <> connection_id() AND command NOT IN ('Daemon', 'Binlog Dump') AND user <> 'system user'
GROUP BY command, user
"""
_TRANSACTIONS = """
SELECT count(*), coalesce(sum(trx_state = 'LOCK WAIT'), 0),
       coalesce(max(timestampdiff(MICROSECOND, trx_started, sysdate(6))), 0) / 1e6
FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> connection_id()
"""
# A session in a transaction looks like an idle one in the process list: the join tells.
_IDLERS = """
SELECT if(t.trx_id IS NULL, 'idle', 'idle in transaction'), p.user,
       left(coalesce(t.trx_query, p.info, ''), 300), count(*),
       max(p.time)
FROM information_schema.processlist p
LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.command = 'Sleep' AND p.id <> connection_id() GROUP BY 1, 2, 3
"""
_COUNTERS = {
    "Threads_connected": "mariadb.threads_connected",
    "Threads_running": "mariadb.threads_running",
    "Connections": "mariadb.new_sessions_total",
    "Questions": "mariadb.questions_total",
    "Com_commit": "mariadb.commits_total",
    "Com_rollback": "mariadb.rollbacks_total",
    "Com_select": "mariadb.selects_total",
    "Aborted_connects": "mariadb.aborted_connects_total",
    "Connection_errors_max_connections": "mariadb.refused_sessions_total",
    "Innodb_row_lock_current_waits": "mariadb.locks_waiting",
    "Innodb_buffer_pool_read_requests": "mariadb.blocks_asked_total",
    "Innodb_buffer_pool_reads": "mariadb.blocks_read_total",
}
_OWN = {"Threads_connected": 1, "Threads_running": 1}  # gauges that count the observer, too
_STATUS = "SHOW GLOBAL STATUS WHERE Variable_name IN ({})".format(
    ", ".join(f"'{name}'" for name in _COUNTERS)
)
_TOP = """
SELECT digest, digest_text, count_star, sum_timer_wait / 1e9, sum_rows_sent
FROM performance_schema.events_statements_summary_by_digest
WHERE schema_name = database() AND digest IS NOT NULL
  AND digest_text NOT LIKE '%\\_schema%' AND digest_text NOT LIKE 'SHOW GLOBAL STATUS%'
ORDER BY sum_timer_wait DESC LIMIT 200
"""


class MariaDb(Observer):
    """Sessions by command, transactions, status counters, statements by the performance schema.

    The observer's own connection and questions are not counted.

    Args:
        url: where to connect: as its administrator, who gets in when all places are taken.
        makes_room: whether the server is ours, so that its ``max_connections`` may be raised by
            the one that the observer takes.

    Raises:
        Blind: nothing can be seen there.
    """

    name = "mariadb"
    period_s = 0.25
    apart = True
    units: ClassVar[dict[str, str]] = {"mariadb.oldest_transaction_s": "s"}

    def __init__(self, url: str, *, makes_room: bool = False) -> None:
        try:
            import pymysql
        except ImportError as error:
            raise Blind("PyMySQL is not installed, so MariaDB is not watched.") from error
        self._pymysql = pymysql
        self._asked = self._selected = 0
        try:
            self._connection: Any = pymysql.connect(**_arguments(url))
            names = ("max_connections", "performance_schema")
            self._settings = {name: self._ask(f"SELECT @@global.{name}")[0][0] for name in names}
            self._makes_room = makes_room
            if makes_room:
                self._set_ceiling(int(self._settings["max_connections"]) + 1)
            self._before = self._digests()
            self._transactions_seen = self._can_see_transactions()
        except pymysql.MySQLError as error:
            raise Blind(f"MariaDB is not watched: {_reason(error)}") from error
        self._commands = Shares("mariadb.sessions.", limit=12, known=("sleep", "query"))
        self._users = Shares("mariadb.users.", limit=8)
        self._idlers = Idlers()
        self._idlers_at = -1e9

    def sample(self, now: float) -> Sample:
        """See :class:`Observer`."""
        try:
            return self._sample(now)
        except self._pymysql.MySQLError as error:
            raise Blind(f"MariaDB is no longer watched: {_reason(error)}") from error

    def _sample(self, now: float) -> Sample:
        commands: dict[str, float] = {}
        users: dict[str, float] = {}
        for command, user, count in self._ask(_SESSIONS):
            commands[command] = commands.get(command, 0) + count
            users[user] = users.get(user, 0) + count
        found: Sample = {
            "mariadb.sessions": sum(commands.values()),
            "mariadb.max_connections": int(self._settings["max_connections"]),
            **self._commands.counts(commands),
            **self._users.counts(users),
        }
        if self._transactions_seen:
            open_ones, waiting, oldest_s = self._ask(_TRANSACTIONS)[0]
            found["mariadb.transactions"] = int(open_ones)
            found["mariadb.transactions_waiting"] = int(waiting)
            found["mariadb.oldest_transaction_s"] = float(oldest_s)
        own = {**_OWN, "Questions": self._asked + 1, "Com_select": self._selected}
        for name, value in self._ask(_STATUS):
            found[_COUNTERS[name]] = int(value) - own.get(name, 0)
        if now - self._idlers_at >= _IDLERS_EVERY_S and self._transactions_seen:
            self._idlers_at = now
            self._idlers.add(
                Held(state, user, statement, count, None if age is None else float(age), now)
                for state, user, statement, count, age in self._ask(_IDLERS)
            )
        return found

    def begin(self) -> None:
        """See :class:`Observer`."""
        self._idlers.clear()
        self._idlers_at = -1e9
        self._before = self._digests()

    def observations(self) -> tuple[Observation, ...]:
        """Settings, who was idle, and the statements that took longest."""
        ceiling = int(self._settings["max_connections"])
        found = [
            Observation(
                self.name,
                "setting",
                f"max_connections is {ceiling}.",
                data={"max_connections": ceiling},
            ),
            *self._idlers.observations(self.name),
        ]
        if not self._makes_room:
            found.append(self.note("The observer takes one of max_connections."))
        if not self._transactions_seen:
            found.append(self.note("Transactions cannot be seen: the user lacks PROCESS."))
        if not int(self._settings["performance_schema"]):
            found.append(self.note("performance_schema is off, so statements are not told apart."))
        return (*found, *self._longest())

    def interrupt(self) -> None:
        """See :class:`Observer`."""
        with contextlib.suppress(Exception):
            self._connection._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See :class:`Observer`."""
        with contextlib.suppress(Exception):
            if self._makes_room:
                self._set_ceiling(int(self._settings["max_connections"]))
        with contextlib.suppress(Exception):
            self._connection.close()

    def _set_ceiling(self, number: int) -> None:
        self._asked += 1
        with self._connection.cursor() as cursor:
            cursor.execute("SET GLOBAL max_connections = %s", (number,))

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        self._asked += 1
        self._selected += query.lstrip().startswith("SELECT")
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _can_see_transactions(self) -> bool:
        try:
            self._ask(_TRANSACTIONS)
        except self._pymysql.MySQLError:
            return False
        return True

    def _longest(self) -> tuple[Observation, ...]:
        found = []
        for digest, (text, *after) in self._digests().items():
            before = self._before.get(digest, (text, 0, 0.0, 0))[1:]
            calls, total_ms, rows = (now - then for now, then in zip(after, before, strict=True))
            if calls > 0:
                figures = {"calls": calls, "total_ms": round(total_ms, 3), "rows": rows}
                found.append((text, figures))
        return top(self.name, found)

    def _digests(self) -> dict[str, tuple[str, int, float, int]]:
        if not int(self._settings["performance_schema"]):
            return {}
        try:
            rows = self._ask(_TOP)
        except self._pymysql.MySQLError:
            return {}
        return {
            digest: (str(text), int(calls), float(total_ms), int(count))
            for digest, text, calls, total_ms, count in rows
        }


def _arguments(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    path = parse_qs(parts.query).get("unix_socket")
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or ""),
        "database": parts.path.lstrip("/") or None,
        "connect_timeout": _CONNECT_S,
        "read_timeout": _ANSWER_S,
        "write_timeout": _ANSWER_S,
        "autocommit": True,
        "program_name": APPLICATION,
    }
    if path:
        return {**arguments, "unix_socket": path[0]}
    return {**arguments, "host": parts.hostname, "port": parts.port or 3306}


def _reason(error: Exception) -> str:
    return mask(" ".join(str(error.args[-1] if error.args else error).split()))
