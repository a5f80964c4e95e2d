"""The case as Syncline runs it."""

from itertools import product

from syncline.plan import Request, Timeouts
from syncline.trial import Case, Load, Published, Variant

LEVELS = (1, 10, 30, 40, 50)
READ = (Request("/authors/1", name="one author", expect=(200,)),)

# A hang must end as time-outs within the trial, and a slow answer must not be one.
PATIENT = Timeouts(connect_s=2, response_s=5, total_s=10)
# wrk's bound for what it counts as a time-out.
QUICK = Timeouts(connect_s=2, response_s=2, total_s=3)

STYLES = {
    "sync": "def, PyMySQL",
    "async-over-sync": "async def over PyMySQL: blocks the loop",
    "async": "async def, asyncmy",
}
CACHES = {
    "": "",
    "-cached": ", cached",
    "-single-flight": ", cached, one load per key at a time",
}
POOLS = {"": "", "-pool50": ", pool of 50"}
ECHOES = {"": "", "-echo": ", echo on"}

# An entry expires often enough for the shortest trial to meet it.
CACHE_TTL_S = "1"
# Of every cached variant alike, so no setting that makes one: a user's own wins over it.
CACHE_ENV = {"SYNCLINE_CACHE_TTL_S": CACHE_TTL_S}


def variant(style: str, cache: str, pool: str, echo: str) -> Variant:
    """One cell of the matrix; its name is made of the parts."""
    module = style.replace("-", "_") + ("_cached" if cache else "")
    settings = {"echo": "on"} if echo else {}
    if pool:
        settings["pool_size"] = "50"
    if cache:
        settings["cache_single_flight"] = "on" if cache == "-single-flight" else "off"
    return Variant(
        name=f"{style}{cache}{pool}{echo}",
        title=f"{STYLES[style]}{CACHES[cache]}{POOLS[pool]}{ECHOES[echo]}",
        app=f"syncline_cases.authors.{module}_app:app",
        env=CACHE_ENV if cache else {},
        settings=settings,
    )


def stands_still(style: str, cache: str, pool: str, _echo: str) -> bool:
    """A pool of 50 + 10 is enough for 50 connections, and one load at a time for any."""
    return style == "async-over-sync" and cache != "-single-flight" and not pool


def load(connections: int, duration_s: float, warmup_s: float, timeouts: Timeouts) -> Load:
    return Load(connections, duration_s, READ, warmup_s=warmup_s, timeouts=timeouts)


MATRIX = tuple(product(STYLES, CACHES, POOLS, ECHOES))
NO_CACHE, CACHED = "async-over-sync-echo", "async-over-sync-cached-echo"
CACHED_POOL_50 = "async-over-sync-cached-pool50-echo"
DEFAULT = (NO_CACHE, CACHED, CACHED_POOL_50, "sync-echo", "sync", "async", "async-cached")

CASE = Case(
    name="authors",
    title="FastAPI, MariaDB, Valkey: with and without a cache, the loop blocked and not",
    question="What does a cache in front of the database bring, and why does 50 break it?",
    variants=tuple(variant(*cell) for cell in MATRIX),
    default_variants=DEFAULT,
    quick_variants=(NO_CACHE, CACHED, CACHED_POOL_50, "sync-echo", "async-cached"),
    backends=("mariadb", "valkey"),
    databases=("mariadb", "postgres"),
    prepare="syncline_cases.authors.prepare",
    settings={
        "authors": "how many authors there are (1000)",
        "cache_ttl_s": f"how long an author is cached, seconds ({CACHE_TTL_S})",
        "cache_negative_ttl_s": "how long it is cached that there is none, seconds (5)",
        "pool_size": "connections that an engine keeps (5)",
    },
    ready_path="/authors/1",
    # Seven variants in four minutes, the proof included.
    loads=tuple(load(level, 4, 0.5, PATIENT) for level in LEVELS),
    quick_loads=tuple(
        load(level, duration_s, 0.2, QUICK)
        for level, duration_s in ((1, 0.9), (10, 0.9), (50, 1.8))
    ),
    published_loads=tuple(load(level, 60, 0, PATIENT) for level in LEVELS),
    published=(
        Published(NO_CACHE, 1, throughput_rps=44.96, mean_ms=23.66),
        Published(NO_CACHE, 10, throughput_rps=44.94, mean_ms=222.24),
        Published(NO_CACHE, 50, throughput_rps=0.2, mean_ms=625.99, note="hang"),
        Published(CACHED, 1, throughput_rps=91.73, mean_ms=13.22),
        Published(CACHED, 10, throughput_rps=111.82, mean_ms=90.23),
        Published(CACHED, 50, throughput_rps=0.22, mean_ms=654.29, note="hang"),
        Published(CACHED_POOL_50, 30, throughput_rps=69.59, mean_ms=434.57),
        Published(CACHED_POOL_50, 40, throughput_rps=65.72, mean_ms=605.80),
        Published(CACHED_POOL_50, 50, throughput_rps=60.83, mean_ms=815.82),
        Published("sync-echo", 50, throughput_rps=32.61, mean_ms=1300.0),
    ),
    source="a developer's test of a FastAPI service on MySQL and Redis, run with wrk for 60 s",
    faulty=tuple(variant(*cell).name for cell in MATRIX if stands_still(*cell)),
)
