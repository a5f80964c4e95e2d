"""The case as Syncline runs it."""

from syncline.plan import Request, Timeouts
from syncline.trial import Case, Load, Published, Variant

LEVELS = (1, 12, 24, 48, 200)
READ = (Request("/users", name="all users", expect=(200,)),)
INSERT = (Request("/users/insert-data-to-test", name="insert", expect=(200,)),)

# A hang must end as time-outs within the trial, and a slow answer must not be one. At 200
# connections the slowest tenth of the async variant's answers takes one to two seconds.
PATIENT = Timeouts(connect_s=2, response_s=5, total_s=10)
# wrk's bound for what it counts as a time-out; the longest quick trial is a little longer.
QUICK = Timeouts(connect_s=2, response_s=2, total_s=3)


def read(connections: int, duration_s: float, warmup_s: float, timeouts: Timeouts) -> Load:
    return Load(connections, duration_s, READ, warmup_s=warmup_s, timeouts=timeouts)


def insert(duration_s: float) -> Load:
    return Load(200, duration_s, INSERT, name="insert", warmup_s=1, timeouts=PATIENT, writes=True)


def app(name: str, title: str, module: str) -> Variant:
    return Variant(name, title, app=f"syncline_cases.users.{module}:app")


CASE = Case(
    name="users",
    title="FastAPI, SQLAlchemy, PostgreSQL: sync against async",
    question="Does an async service bear more connections than a sync one on the same database?",
    variants=(
        app("sync", "def, psycopg, session from a dependency", "sync_app"),
        app("async", "async def, asyncpg", "async_app"),
        app("async-over-sync", "async def over psycopg: blocks the loop", "async_over_sync_app"),
        app("sync-bounded", "as sync, at most 15 sessions at once", "sync_bounded_app"),
        app("sync-session-inside", "def, session inside it", "sync_session_inside_app"),
    ),
    default_variants=("sync", "async"),
    faulty=("async-over-sync",),
    backends=("postgres",),
    databases=("postgres",),
    prepare="syncline_cases.users.prepare",
    settings={"rows": "how many users there are at first (20)"},
    ready_path="/users",
    # In three minutes with the proof; the author gave each level ten seconds.
    loads=(*(read(level, 8, 1, PATIENT) for level in LEVELS), insert(8)),
    quick_loads=tuple(read(level, 2.4 if level == 200 else 1, 0.2, QUICK) for level in LEVELS),
    published_loads=(
        *(read(level, 300 if level == 200 else 10, 0, PATIENT) for level in LEVELS),
        insert(30),
    ),
    published=(
        Published("sync", 1, throughput_rps=70.55, mean_ms=17.95),
        Published("sync", 12, throughput_rps=575.37, mean_ms=23.07),
        Published("sync", 24, throughput_rps=621.07, mean_ms=38.67),
        Published("sync", 48, throughput_rps=0.0, note="hang"),
        Published("async", 1, throughput_rps=83.67, mean_ms=16.78),
        Published("async", 12, throughput_rps=679.99, mean_ms=20.59),
        Published("async", 24, throughput_rps=704.39, mean_ms=34.84),
        Published("async", 48, throughput_rps=823.63, mean_ms=58.09),
        Published("async", 200, throughput_rps=783.13, mean_ms=245.74, note="over 300 s"),
        Published("async", 200, "insert", throughput_rps=587.29, mean_ms=334.42, note="over 30 s"),
    ),
    source="a developer's comparison of sync and async FastAPI, run with wrk for 10 s a level",
)
