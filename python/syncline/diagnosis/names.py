"""The quantities that rules read, by the names under which observers keep them.

One place, so that a rule speaks of a quantity and not of a spelling.
"""

from __future__ import annotations

# From outside: the service's processes, its sockets, the machine.
CPU_CORES = "process.cpu_cores"
CPU_USER = "process.cpu_user_cores"
CPU_SYSTEM = "process.cpu_system_cores"
CPU_OF_PROCESS = "process.cpu_cores."
PROCESSES = "process.count"
RSS = "process.rss_bytes"
DESCRIPTORS = "process.descriptors"
THREADS = "process.threads"
SWITCHES = "process.switches_voluntary_total"
MACHINE_CPU = "machine.cpu_share"
STEAL = "machine.steal_share"
OTHERS = "machine.others_share"
UNREAD = "sockets.unread"
UNREAD_S = "sockets.unread_longest_s"
ESTABLISHED = "sockets.established"
UNACCEPTED = "sockets.unaccepted"
CLOSE_WAIT = "sockets.close_wait"
QUEUE = "listen.queue"
BACKLOG = "listen.backlog"
OVERFLOWS = "listen.overflows_total"

# From the database; each starts with the name of its observer.
DATABASES = ("postgres", "mariadb")
SESSIONS = "{}.sessions"
CEILING = "{}.max_connections"
NEW_SESSIONS = "{}.new_sessions_total"
OLDEST_TRANSACTION_S = "{}.oldest_transaction_s"
LOCKS_WAITING = "{}.locks_waiting"
IDLE_IN_TRANSACTION = {
    "postgres": "postgres.sessions.idle_in_transaction",
    "mariadb": "mariadb.transactions",
}
DATABASE_CPU = "{}.cpu_cores"
ACTIVE = {"postgres": "postgres.sessions.active", "mariadb": "mariadb.sessions.query"}
CACHE_HITS = ("probe.cache_hits_total", "valkey.hits_total")
CACHE_MISSES = ("probe.cache_misses_total", "valkey.misses_total")
CACHE_EXPIRED = "valkey.expired_total"

# From inside, by the probe.
LAG_MS = "probe.loop_lag_max_ms"
LAG_MEDIAN_MS = "probe.loop_lag_p50_ms"
TOKENS = "probe.limiter_tokens"
TOKENS_TAKEN = "probe.limiter_borrowed"
TOKENS_WAITED = "probe.limiter_waiting"
EXECUTOR_QUEUED = "probe.executor_queued"
EXECUTOR_THREADS = "probe.executor_threads_max"
REQUESTS_INSIDE = "probe.requests_in_flight"
REQUESTS_TOTAL = "probe.requests_total"
INSIDE_S = "probe.requests_inside_s_total"
STATEMENTS = "probe.sql_statements_total"
STATEMENTS_S = "probe.sql_statement_s_total"
ALLOCATED = "probe.allocated_blocks"
ANSWER_CPU_S = "probe.answer_cpu_s_total"
LOG_CPU_S = "probe.log_cpu_s_total"
LOG_CALLS = "probe.log_calls_total"
BUSIEST_THREAD = "process.busiest_thread_cores"

# Of a family of pools; each starts with the name of its family.
POOLS = ("probe.pool",)
HTTP_POOLS = ("probe.http_pool",)
POOL_SIZE = "{}_size"
POOL_LIMIT = "{}_limit"
POOL_OUT = "{}_checked_out"
POOL_OVERFLOW = "{}_overflow"
POOL_WAITERS = "{}_waiters"
POOL_WAITERS_ON_LOOP = "{}_waiters_on_loop"
POOL_CHECKOUTS = "{}_checkouts_total"
POOL_WAITS = "{}_waits_total"
POOL_WAIT_OLDEST_MS = "{}_wait_oldest_ms"
POOL_WAITED_S = "{}_wait_s_total"
POOL_HELD_S = "{}_held_s_total"
POOL_TIMEOUTS = "{}_timeouts_total"
POOL_IDLE_TRANSACTION_MS = "{}_idle_transaction_oldest_ms"

# Kinds of observations of the probe.
LOOP_BLOCKED = "loop-blocked"
ROUTE = "route"
POOL = "pool"
PROCESS = "python-process"
SETTINGS = "settings"
STACKS = "stacks"
STANDING = "standing"

# Kinds of observations of the databases.
SETTING = "setting"
STATEMENT = "statement"
IDLE_STATEMENT = "idle-statement"
