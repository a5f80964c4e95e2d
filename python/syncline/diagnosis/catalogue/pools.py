"""Codes about database connections and the pools that keep them."""

from __future__ import annotations

from syncline.diagnosis.catalogue.entry import Entry

_POOLING = "https://docs.sqlalchemy.org/en/20/core/pooling.html"
_ERROR_3O7R = "https://docs.sqlalchemy.org/en/20/errors.html#error-3o7r"
_LITTLE = "J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961)"

ENTRIES = (
    Entry(
        "pool-exhausted",
        "Requests wait for a database connection; the pool, not the database, is the limit.",
        "Each request holds one of pool_size + max_overflow connections for as long as its work "
        "takes; by Little's law the pool then serves (pool_size + max_overflow) / (time held) "
        "requests a second, and whoever comes beyond that waits.",
        (
            "connections checked out = pool_size + max_overflow while others wait for one",
            "the wait is a large share of the latency, or 'QueuePool limit ... reached' is logged",
            "the database has spare sessions and the service spare CPU",
        ),
        (
            "Hold a connection for a shorter time: open the session late, close it before the "
            "answer is built.",
            "Give the pool as many connections as throughput × time held asks for, within the "
            "connection budget.",
        ),
        ("A bigger pool only moves the bound if something else holds connections idle.",),
        (_POOLING, _ERROR_3O7R, _LITTLE),
    ),
    Entry(
        "pool-deadlock",
        "Requests that hold a connection wait for a thread, and requests that hold a thread wait "
        "for a connection; nothing moves.",
        "Holders of all pool_size + max_overflow connections wait for one of the thread tokens "
        "to go on, while the holders of all tokens wait in the pool: once requests in flight "
        "reach tokens + pool_size + max_overflow, neither can ever give way before the pool's "
        "time-out.",
        (
            "answers fall to about none while requests are in flight",
            "all threads are taken (limiter borrowed = total) and stand in the pool's wait",
            "sessions idle in transaction = pool_size + max_overflow; CPU idle, event loop free",
            "possible if and only if requests in flight >= tokens + pool_size + max_overflow",
        ),
        (
            "Open and close the session inside the endpoint, so that nobody waits for a thread "
            "with a connection in hand.",
            "Bound the concurrency of the dependency that gives the session to the size of the "
            "pool, at every use of it: Depends(get_db, max_concurrency=15).",
            "Admit fewer than tokens + pool_size + max_overflow requests at once; let the rest "
            "wait in order, before they hold anything.",
        ),
        (
            "A bigger pool: it dies at the higher bound.",
            "Fewer thread tokens: the bound gets lower.",
            "Function scope for the dependency.",
            "max_concurrency at only one of several uses of the dependency.",
        ),
        (
            "https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/",
            "https://www.starlette.io/threadpool/",
            _POOLING,
        ),
    ),
    Entry(
        "pool-unfair",
        "Requests that wait for a connection are overtaken by later ones.",
        "A connection that comes back lies free until a waiter has been woken and gets its turn; a "
        "request that asks meanwhile takes it, and the waiter goes back to the queue, in asyncio's "
        "to its end. So most answers are fast, and some requests wait until they give up.",
        (
            "requests wait for a connection throughout, and yet many check-outs did not wait",
            "the oldest wait is many times the median latency, and lasts for seconds",
            "time-outs beside a good median; the mean says nothing of it",
        ),
        (
            "Let no more requests to the database at once than it has connections, in order: a "
            "semaphore around the session, or a limit at the server.",
            "Shorten what holds a connection, so that fewer wait.",
        ),
        (
            "A bigger pool, where the processor or the database is the limit: it has the same "
            "queue elsewhere.",
        ),
        (_POOLING, "https://docs.python.org/3/library/asyncio-sync.html#asyncio.Semaphore"),
    ),
    Entry(
        "connection-budget",
        "The service may open more connections than the database accepts.",
        "Every worker has pools of its own, so workers × sum of (pool_size + max_overflow) "
        "sessions are asked for; the first pools to be loaded keep what they got, and the others "
        "are refused.",
        (
            "the budget, workers × sum of (pool_size + max_overflow), is above max_connections "
            "less the reserved ones: known before any load",
            "'too many clients already', 'remaining connection slots are reserved', or MySQL "
            "error 1040",
        ),
        (
            "Share the database's connections out: pool_size + max_overflow of each engine at "
            "most (max_connections - reserved) / (workers × engines).",
            "Use one engine per worker.",
            "Put a pooler such as PgBouncer between.",
        ),
        ("A higher max_connections costs memory on the server and moves the bound.",),
        (
            "https://www.postgresql.org/docs/current/runtime-config-connection.html",
            "https://mariadb.com/kb/en/server-system-variables/#max_connections",
            _POOLING,
        ),
    ),
    Entry(
        "overflow-churn",
        "Connections above pool_size are opened and closed again and again.",
        "A connection that comes back while pool_size others are idle is closed; the next burst "
        "opens a new one, which costs the database a process or thread and a handshake.",
        (
            "new database sessions per 100 requests well above 0 in a steady load",
            "more connections checked out than pool_size",
            "a dip in the middle of the sweep: it vanishes where the overflow stays in use",
        ),
        ("Move the overflow into the pool: pool_size = 15, max_overflow = 0 instead of 5 + 10.",),
        (),
        (_POOLING,),
    ),
    Entry(
        "connection-leak",
        "Connections are checked out and do not come back.",
        "A code path keeps a session or connection without closing it; each time it runs the "
        "pool gets smaller, until nothing is left.",
        (
            "connections are still checked out when no request is in flight",
            "the number rises with the requests",
            "the stack that checked them out",
        ),
        (
            "Close in every path: 'with Session() as session', a dependency with yield and "
            "finally, a context manager.",
        ),
        ("pool_recycle, a bigger pool, a restart from time to time.",),
        (_POOLING,),
    ),
    Entry(
        "held-in-transaction",
        "A connection is held while the code does something else.",
        "Between its statements the request calls another service, computes or waits, and its "
        "session sits idle in a transaction meanwhile: a connection is used up by no work.",
        (
            "sessions idle in transaction for a large share of the request's time",
            "the database itself is hardly active",
        ),
        (
            "Commit or close before the slow part; fetch what is needed first, open the session "
            "again after it.",
        ),
        ("A bigger pool: more connections are held idle.",),
        ("https://www.postgresql.org/docs/current/monitoring-stats.html", _LITTLE),
    ),
)
