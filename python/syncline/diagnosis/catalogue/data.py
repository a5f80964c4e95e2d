"""Codes about statements, caches, other services, payloads and logging."""

from __future__ import annotations

from syncline.diagnosis.catalogue.entry import Entry

_LOADING = "https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html"

ENTRIES = (
    Entry(
        "n-plus-one",
        "The number of statements in a request grows with its rows.",
        "Related rows are loaded one statement per row as they are touched, so each row adds a "
        "round trip and the latency grows with the result.",
        (
            "statements per request, by route",
            "the same statement repeated within one request",
        ),
        (
            "Load together: joinedload or selectinload in SQLAlchemy, select_related or "
            "prefetch_related in Django.",
            "Set raiseload on the relationship, so that it cannot come back unnoticed.",
        ),
        (
            "An asynchronous driver: measured, it gained less than a half where loading together "
            "gained several times.",
        ),
        (_LOADING, "https://docs.djangoproject.com/en/stable/topics/db/optimization/"),
    ),
    Entry(
        "database-bound",
        "The database itself is the limit.",
        "Time in statements makes up most of a request while sessions are active or wait for "
        "locks; the service only passes the wait on.",
        (
            "time in statements is most of the requests' time",
            "sessions active, or waiting for locks; the top statements",
            "no wait for the pool, CPU to spare in the service",
        ),
        (
            "Look at the top statements' plans (EXPLAIN ANALYZE): an index, fewer rows, another "
            "query.",
            "Shorter transactions where locks are waited for.",
            "A cache for what may be old.",
        ),
        ("More connections: the same work by more sessions.",),
        (
            "https://www.postgresql.org/docs/current/using-explain.html",
            "https://www.postgresql.org/docs/current/pgstatstatements.html",
        ),
    ),
    Entry(
        "held-upstream",
        "An outgoing HTTP client or its pool is the limit.",
        "Requests wait for another service, or for a connection of the client's own pool to it; "
        "no work is left to do here.",
        (
            "waits in the HTTP client's pool, or requests standing in the client",
            "CPU to spare, no wait for the database",
        ),
        (
            "One shared client with limits that fit: httpx.Limits(max_connections=...).",
            "Time-outs and a bound on concurrency towards the other service.",
            "Ask in parallel what does not depend on each other; keep what may be old.",
        ),
        (),
        ("https://www.python-httpx.org/advanced/resource-limits/",),
    ),
    Entry(
        "payload-bound",
        "Building or serialising the answer dominates.",
        "Each row is turned into objects, validated and written as JSON in Python; large answers "
        "make that most of the CPU.",
        (
            "the share of CPU samples in serialisation and validation",
            "bytes per response",
        ),
        (
            "Send less: pages, fields that are needed.",
            "Skip validating what one made oneself; a faster serialiser.",
        ),
        (),
        ("https://fastapi.tiangolo.com/advanced/custom-response/",),
    ),
    Entry(
        "logging-overhead",
        "Echoing statements or a log line per request costs a measurable share.",
        "Each line is formatted under a lock and written to a file or terminal before the request "
        "goes on.",
        (
            "echo or the access log is on, and bytes are logged with every request",
            "the share of CPU samples in logging, or the gain when it is off",
        ),
        (
            "echo=False in production.",
            "Access log off, or written by the proxy in front.",
            "A QueueHandler, so that the request does not wait for the file.",
        ),
        (),
        ("https://docs.python.org/3/howto/logging-cookbook.html",),
    ),
    Entry(
        "cache-ineffective",
        "The cache misses too often to be worth its cost.",
        "A miss costs the cache's round trip and the database's; below some share of hits the "
        "cache only adds work.",
        ("hits over hits and misses, after the warm-up",),
        (
            "A longer time to live; keys without what varies for nothing (order, time stamps).",
            "Keep that there is nothing (negative caching).",
            "More memory, if keys are evicted.",
        ),
        (),
        ("https://redis.io/docs/latest/commands/info/",),
    ),
    Entry(
        "cache-stampede",
        "Many requests fill the same key of the cache at once.",
        "When a key is missing or runs out, all requests that want it go to the database "
        "together, and all write the same value.",
        (
            "misses come in bursts between stretches of hits",
            "concurrent loads of one key",
        ),
        (
            "One loader per key, the others wait for it (single flight).",
            "Refresh before the end of the time to live; spread the ends by chance.",
        ),
        ("A longer time to live: the same herd, less often.",),
        ("A. Vattani et al., Optimal probabilistic cache stampede prevention, VLDB 8 (2015)",),
    ),
)
