"""The case as Syncline runs it."""

from itertools import product

from syncline.plan import Request, Timeouts
from syncline.trial import Case, Load, Published, Variant

# An answer of 120 books takes a second where each book costs two more statements.
PATIENT = Timeouts(connect_s=2, response_s=5, total_s=10)

LOADING = {"lazy": "1 + 2N statements", "joined": "1 statement", "selectin": "3 statements"}
STYLES = {"sync": "def, psycopg", "async": "async def, asyncpg"}
ECHOES = {"": "", "-echo": ", echo on"}

# Enough for an engine to take all connections, however unevenly the workers share the clients:
# a worker's 40 threads, four times.
CROWD = 160
SYNC_PATH, ASYNC_PATH = "/books/?limit=5", "/async_books/?limit=5"

# The services of a run live side by side on a server with room for all of them.
ROOMY = {"postgres": {"max_connections": "300"}}


def variant(style: str, loading: str, echo: str) -> Variant:
    settings = {"loading": loading, **({"echo": "on"} if echo else {})}
    return Variant(
        name=f"{style}-{loading}{echo}",
        title=f"{STYLES[style]}, {loading}: {LOADING[loading]}{ECHOES[echo]}",
        app=f"syncline_cases.books.{style}_app:app",
        settings=settings,
        backends=ROOMY,
    )


def crowded(pool_size: int, max_overflow: int, **also: str) -> Variant:
    """Four workers with two engines each, on a server of their own that has 100 places."""
    wanted = 4 * 2 * (pool_size + max_overflow)
    return Variant(
        name=f"four-workers-pool{pool_size}",
        title=f"4 workers, 2 engines of {pool_size} + {max_overflow}: {wanted} of 100 connections",
        app="syncline_cases.books.two_engines_app:app",
        workers=4,
        settings={"pool_size": str(pool_size), "max_overflow": str(max_overflow)},
        backends={"postgres": {"max_connections": "100", **also}},
    )


def load(name: str, connections: int, duration_s: float, warmup_s: float, *paths: str) -> Load:
    requests = tuple(Request(path, name=path.split("?")[0], expect=(200,)) for path in paths)
    return Load(connections, duration_s, requests, name=name, warmup_s=warmup_s, timeouts=PATIENT)


def pages(duration_s: float, warmup_s: float) -> tuple[Load, ...]:
    """The original's: both sizes of page."""
    return (
        load("120 books", 5, duration_s, warmup_s, "/books/?limit=200"),
        load("20 books", 5, duration_s, warmup_s, "/books/?limit=20"),
    )


def crowds(duration_s: float, warmup_s: float) -> tuple[Load, ...]:
    """First one engine takes its connections, then the other one wants its own."""
    return (
        load("crowd", CROWD, duration_s, warmup_s, SYNC_PATH),
        load("async crowd", CROWD, duration_s, warmup_s, ASYNC_PATH),
    )


MATRIX = tuple(product(STYLES, LOADING, ECHOES))

CASE = Case(
    name="books",
    title="a bookstore on PostgreSQL: loading strategies, sync and async, connections",
    question="Why is async four times as fast, and where do all the connections go?",
    variants=(
        *(variant(*cell) for cell in MATRIX),
        crowded(50, 10),
        # Said once more what is so anyway: for another server than that of the variant above,
        # which keeps all its connections.
        crowded(10, 2, superuser_reserved_connections="3"),
    ),
    default_variants=(
        *("sync-lazy-echo", "async-joined-echo", "sync-lazy", "sync-joined"),
        *("async-joined", "async-lazy"),
        *("four-workers-pool50", "four-workers-pool10"),
    ),
    quick_variants=(
        *("sync-lazy-echo", "async-joined-echo", "sync-lazy", "async-joined"),
        "four-workers-pool50",
    ),
    backends=("postgres",),
    databases=("postgres",),
    prepare="syncline_cases.books.prepare",
    settings={
        "books": "how many books there are (120)",
        "pool_size": "connections that an engine keeps, in each worker (5)",
        "max_overflow": "connections that it may open beyond them (10)",
    },
    ready_path="/books/?limit=1",
    # Eight variants in four minutes, the proof included.
    loads=(*pages(4, 0.5), *crowds(3, 0.5)),
    quick_loads=(pages(1, 0.2)[1], load("both crowds", CROWD, 1.6, 0.2, SYNC_PATH, ASYNC_PATH)),
    published_loads=(*pages(20, 0), *crowds(10, 0)),
    published=(
        Published("sync-lazy-echo", 5, "120 books", throughput_rps=5.50, mean_ms=909.7),
        Published("async-joined-echo", 5, "120 books", throughput_rps=23.95, mean_ms=208.8),
        Published("sync-lazy-echo", 5, "20 books", throughput_rps=22.06, mean_ms=226.7),
        Published("async-joined-echo", 5, "20 books", throughput_rps=74.62, mean_ms=67.0),
    ),
    source="a developer's series on sync and async FastAPI with a bookstore, run with ab -c 5 -k",
    # In the crowd the sync ones may stand still as those of users do: it is over 40 + 5 + 10.
    faulty=(
        *("async-lazy", "async-lazy-echo", "four-workers-pool50"),
        *("sync-lazy", "sync-lazy-echo", "sync-joined", "sync-joined-echo"),
    ),
)
