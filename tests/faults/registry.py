"""Which services there are: each fault with its twin, and the load that brings it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncline.finding import Code
from syncline.plan import ClosedLoop, OpenLoop, Phase, Request, Schedule, Timeouts
from syncline.trial import Case, Load, Server, Variant

_IN = "tests.faults.services."
_PREPARE = f"{_IN}tables"
_THREADS = ("--worker-class", "gthread", "--keep-alive", "30", "--threads")

Side = Literal["fault", "twin"]


@dataclass(frozen=True, slots=True)
class Service:
    """One side of a pair: what is asked of which program, set how.

    Attributes:
        path: what is requested; ``env`` what the program reads.
        rate_rps: an open loop's rate; a closed loop if None.
        max_connections: what PostgreSQL accepts.
    """

    path: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    connections: int | None = None
    workers: int | None = None
    server_args: tuple[str, ...] | None = None
    rate_rps: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A known fault in a small service, and the healthy twin.

    Attributes:
        app: a module of ``services``; run by a server, or by itself where ``server`` is None.
        accepted: other codes that say the same truth of this service.
        stops: whether answers are meant to stop: the load's time-outs are then short.
    """

    name: str
    code: Code
    app: str
    fault: Service
    twin: Service
    connections: int
    server: Server | None = "uvicorn"
    workers: int = 1
    server_args: tuple[str, ...] = ()
    backends: tuple[str, ...] = ("postgres",)
    postgres: Mapping[str, str] = field(default_factory=dict)
    duration_s: float = 4.0
    keep_alive: bool = True
    accepted: tuple[Code, ...] = ()
    stops: bool = False

    def case(self, side: Side) -> Case:
        """One side as a case of one variant and one load."""
        service = self.fault if side == "fault" else self.twin
        env = dict(service.env)
        workers = service.workers or self.workers
        args = self.server_args if service.server_args is None else service.server_args
        backends = {"postgres": self.postgres} if self.postgres else {}
        if self.server is None:
            command = ("{python}", "-m", _IN + self.app, "{port}")
            variant = Variant(side, command=command, env=env, backends=backends)
        else:
            variant = Variant(
                side,
                app=f"{_IN}{self.app}:app",
                server=self.server,
                workers=workers,
                server_args=args,
                env=env,
                backends=backends,
            )
        load = self._load(service)
        return Case(
            name=self.name,
            title=f"{self.code}: {side}",
            question="What is wrong with it?",
            variants=(variant,),
            default_variants=(side,),
            loads=(load,),
            quick_loads=(load,),
            backends=self.backends,
            prepare=_PREPARE if "postgres" in self.backends else None,
        )

    def _load(self, service: Service) -> Load:
        schedule: Schedule = ClosedLoop()
        if service.rate_rps is not None:
            rate = service.rate_rps
            schedule = OpenLoop((Phase(self.duration_s, rate, rate),))
        return Load(
            service.connections or self.connections,
            self.duration_s,
            (Request(service.path),),
            schedule=schedule,
            timeouts=Timeouts(2, 3, 4) if self.stops else Timeouts(4, 20, 20),
            keep_alive=self.keep_alive,
        )


def _pool(size: int, overflow: int = 0, **more: object) -> dict[str, str]:
    found = {"POOL_SIZE": str(size), "MAX_OVERFLOW": str(overflow)}
    return found | {name: str(value) for name, value in more.items()}


def _threads(count: int, *more: str) -> tuple[str, ...]:
    return (*_THREADS, str(count), *more)


FAULTS: tuple[Fault, ...] = (
    # --- pools ---------------------------------------------------------------------------------
    Fault(
        *("pool-sync", "pool-exhausted", "fastapi_sync"),
        Service("/report", _pool(2)),
        Service("/report", _pool(30)),
        24,
    ),
    Fault(
        *("pool-async", "pool-exhausted", "fastapi_async"),
        Service("/report", _pool(3)),
        Service("/report", _pool(30)),
        24,
    ),
    Fault(
        *("pool-asyncpg", "pool-exhausted", "starlette_app"),
        Service("/report", _pool(3)),
        Service("/report", _pool(30)),
        24,
    ),
    Fault(
        *("pool-psycopg-async", "pool-exhausted", "starlette_app"),
        Service("/report-psycopg", _pool(3)),
        Service("/report-psycopg", _pool(30)),
        24,
    ),
    Fault(
        *("pool-psycopg-flask", "pool-exhausted", "flask_app"),
        Service("/report", {"PSYCOPG_POOL_SIZE": "2"}),
        Service("/report", {"PSYCOPG_POOL_SIZE": "20"}),
        16,
        server="gunicorn",
        server_args=_threads(16),
    ),
    Fault(
        *("deadlock-response", "pool-deadlock", "fastapi_sync"),
        Service("/customers", _pool(3, 2, TOKENS=8)),
        Service("/customers-inside", _pool(8, 0, TOKENS=8), connections=8),
        64,
        stops=True,
        duration_s=5,
    ),
    Fault(
        *("deadlock-dependency", "pool-deadlock", "fastapi_sync"),
        Service("/me", _pool(4, 0, TOKENS=10)),
        Service("/me-inside", _pool(10, 0, TOKENS=10), connections=10),
        48,
        stops=True,
        duration_s=5,
    ),
    Fault(
        *("budget-workers", "connection-budget", "fastapi_sync"),
        Service("/report?ms=60", _pool(20)),
        Service("/report?ms=60", _pool(8), connections=6),
        40,
        workers=2,
        postgres={"max_connections": "24"},
    ),
    Fault(
        *("budget-engines", "connection-budget", "fastapi_async"),
        Service("/two-engines", _pool(16, 0, SYNC_POOL_SIZE=16, SYNC_MAX_OVERFLOW=0)),
        Service("/two-engines", _pool(6, 0, SYNC_POOL_SIZE=6, SYNC_MAX_OVERFLOW=0), connections=8),
        40,
        postgres={"max_connections": "20"},
    ),
    Fault(
        *("churn-sync", "overflow-churn", "fastapi_sync"),
        Service("/customer", _pool(2, 20)),
        Service("/customer", _pool(22)),
        8,
    ),
    Fault(
        *("churn-async", "overflow-churn", "fastapi_async"),
        Service("/customer", _pool(2, 20)),
        Service("/customer", _pool(22)),
        10,
    ),
    Fault(
        *("leak-sync", "connection-leak", "fastapi_sync"),
        Service("/export?every=20", _pool(80)),
        Service("/export?every=100000000", _pool(80)),
        6,
    ),
    Fault(
        *("leak-async", "connection-leak", "fastapi_async"),
        Service("/export?every=10", _pool(20, 0, POOL_TIMEOUT=1)),
        Service("/export?every=100000000", _pool(20, 0, POOL_TIMEOUT=1)),
        8,
    ),
    Fault(
        *("held-sync", "held-in-transaction", "fastapi_sync"),
        Service("/order-held", _pool(30)),
        Service("/order-released", _pool(30)),
        16,
    ),
    Fault(
        *("held-async", "held-in-transaction", "fastapi_async"),
        Service("/order-held", _pool(4)),
        Service("/order-released", _pool(30)),
        16,
    ),
    Fault(
        *("held-asyncpg", "held-in-transaction", "starlette_app"),
        Service("/order-held", _pool(30)),
        Service("/order-released", _pool(30)),
        16,
    ),
    Fault(
        *("held-flask", "held-in-transaction", "flask_app"),
        Service("/order-held"),
        Service("/order-released"),
        12,
        server="gunicorn",
        server_args=_threads(12),
    ),
    Fault(
        *("held-django", "held-in-transaction", "django_app"),
        Service("/order-held"),
        Service("/order-released"),
        12,
        server="gunicorn",
        server_args=_threads(12),
    ),
    # --- the loop ------------------------------------------------------------------------------
    Fault(
        *("loop-sleep", "loop-blocked", "fastapi_async"),
        Service("/sleep-blocking"),
        Service("/sleep"),
        16,
    ),
    Fault(
        *("loop-driver", "loop-blocked", "fastapi_async"),
        Service("/report-sync-driver"),
        Service("/report?ms=40"),
        12,
    ),
    Fault(
        *("loop-cpu", "loop-blocked", "fastapi_async"),
        Service("/score-long"),
        Service("/score?rounds=2000", rate_rps=100),
        12,
    ),
    Fault(
        *("loop-digest", "loop-blocked", "starlette_app"),
        Service("/sign"),
        Service("/sign-in-thread", rate_rps=5),
        8,
    ),
    # --- threads and the processor -------------------------------------------------------------
    Fault(
        *("tokens-fastapi", "thread-pool-saturated", "fastapi_sync"),
        Service("/wait?ms=100"),
        Service("/wait?ms=100", {"TOKENS": "200"}),
        100,
    ),
    Fault(
        *("tokens-starlette", "thread-pool-saturated", "starlette_app"),
        Service("/thumbnail"),
        Service("/thumbnail", connections=24),
        90,
    ),
    Fault(
        *("executor-starlette", "thread-pool-saturated", "starlette_app"),
        Service("/resize"),
        Service("/resize-outside"),
        40,
    ),
    Fault(
        *("gil-fastapi", "gil-bound", "fastapi_sync"),
        Service("/score?rounds=60000"),
        Service("/score?rounds=2000", rate_rps=50),
        16,
        accepted=("cpu-bound",),
    ),
    Fault(
        *("gil-flask", "gil-bound", "flask_app"),
        Service("/score?rounds=60000"),
        Service("/score?rounds=2000", rate_rps=50),
        8,
        server="gunicorn",
        server_args=_threads(8),
        accepted=("cpu-bound",),
    ),
    Fault(
        *("cpu-fastapi", "cpu-bound", "fastapi_async"),
        Service("/score?rounds=8000"),
        Service("/score?rounds=2000", rate_rps=100),
        8,
    ),
    Fault(
        *("cpu-django", "cpu-bound", "django_app"),
        Service("/score?rounds=40000"),
        Service("/score?rounds=2000", rate_rps=50),
        2,
        server="gunicorn",
        server_args=_threads(1),
        accepted=("gil-bound",),
    ),
    Fault(
        *("lock-fastapi", "lock-contention", "fastapi_sync"),
        Service("/ledger"),
        Service("/ledger-by-key"),
        20,
    ),
    Fault(
        *("lock-reentrant", "lock-contention", "fastapi_sync"),
        Service("/book"),
        Service("/ledger-by-key"),
        20,
    ),
    Fault(
        *("lock-asyncio", "lock-contention", "fastapi_async"),
        Service("/ledger"),
        Service("/ledger-by-key"),
        20,
    ),
    Fault(
        *("gate-asyncio", "lock-contention", "fastapi_async"),
        Service("/gated"),
        Service("/ledger-by-key"),
        20,
    ),
    Fault(
        *("lock-flask", "lock-contention", "flask_app"),
        Service("/invoice"),
        Service("/invoice-short-lock"),
        16,
        server="gunicorn",
        server_args=_threads(16),
    ),
    # --- statements and the database -----------------------------------------------------------
    Fault(
        *("lazy-fastapi", "n-plus-one", "fastapi_sync"),
        Service("/orders-lazy"),
        Service("/orders-joined"),
        8,
    ),
    Fault(
        *("one-by-one-async", "n-plus-one", "fastapi_async"),
        Service("/orders-one-by-one"),
        Service("/orders-together"),
        8,
    ),
    Fault(
        *("one-by-one-asyncpg", "n-plus-one", "starlette_app"),
        Service("/orders-one-by-one"),
        Service("/orders-together"),
        8,
    ),
    Fault(
        *("lazy-flask", "n-plus-one", "flask_app"),
        Service("/orders-lazy"),
        Service("/orders-counted"),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    Fault(
        *("lazy-django", "n-plus-one", "django_app"),
        Service("/orders-lazy"),
        Service("/orders-joined"),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    Fault(
        *("rows-fastapi", "database-bound", "fastapi_sync"),
        Service("/pay?rows=1"),
        Service("/pay?rows=40", connections=4),
        16,
    ),
    Fault(
        *("rows-asyncpg", "database-bound", "starlette_app"),
        Service("/pay?rows=1"),
        Service("/pay?rows=40", connections=4),
        16,
    ),
    Fault(
        *("rows-django", "database-bound", "django_app"),
        Service("/pay?same=1"),
        Service("/pay", connections=4),
        12,
        server="gunicorn",
        server_args=_threads(12),
    ),
    Fault(
        *("query-fastapi", "database-bound", "fastapi_sync"),
        Service("/statistics"),
        Service("/statistics?rows=100", rate_rps=50),
        8,
    ),
    Fault(
        *("query-flask", "database-bound", "flask_app"),
        Service("/statistics"),
        Service("/total", rate_rps=50),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    # --- elsewhere, caches ---------------------------------------------------------------------
    Fault(
        *("upstream-pool", "held-upstream", "fastapi_async"),
        Service("/rates", {"HTTP_LIMIT": "2"}),
        Service("/rates", {"ELSEWHERE_MS": "1"}, rate_rps=40),
        16,
    ),
    Fault(
        *("upstream-slow", "held-upstream", "fastapi_async"),
        Service("/rates", {"ELSEWHERE_MS": "400"}),
        Service("/rates", {"ELSEWHERE_MS": "1"}, rate_rps=40),
        16,
    ),
    Fault(
        *("upstream-flask", "held-upstream", "flask_app"),
        Service("/rates", {"ELSEWHERE_MS": "200"}),
        Service("/rates", {"ELSEWHERE_MS": "1"}, rate_rps=40),
        12,
        server="gunicorn",
        server_args=_threads(12),
    ),
    Fault(
        *("cache-keys", "cache-ineffective", "starlette_app"),
        Service("/product?keys=0", _pool(40)),
        Service("/product?keys=20", _pool(40)),
        16,
        backends=("postgres", "valkey"),
    ),
    Fault(
        *("cache-too-many", "cache-ineffective", "starlette_app"),
        Service("/product?keys=1000000", _pool(40)),
        Service("/product?keys=20", _pool(40)),
        16,
        backends=("postgres", "valkey"),
    ),
    Fault(
        *("herd-front", "cache-stampede", "starlette_app"),
        Service("/front-page", _pool(40)),
        Service("/front-page-single", _pool(40)),
        40,
        backends=("postgres", "valkey"),
    ),
    Fault(
        *("herd-pages", "cache-stampede", "starlette_app"),
        Service("/hot-pages", _pool(40)),
        Service("/front-page-single", _pool(40)),
        64,
        backends=("postgres", "valkey"),
    ),
    # --- the answer, the log, memory -----------------------------------------------------------
    Fault(
        *("articles-fastapi", "payload-bound", "fastapi_sync"),
        Service("/articles"),
        Service("/articles?limit=10"),
        8,
    ),
    Fault(
        *("articles-starlette", "payload-bound", "starlette_app"),
        Service("/articles"),
        Service("/exported", rate_rps=40),
        8,
    ),
    Fault(
        *("articles-flask", "payload-bound", "flask_app"),
        Service("/articles"),
        Service("/articles?limit=5"),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    Fault(
        *("articles-django", "payload-bound", "django_app"),
        Service("/articles"),
        Service("/articles?limit=5"),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    Fault(
        *("echo-fastapi", "logging-overhead", "fastapi_sync"),
        Service("/customer", _pool(20, 0, ECHO=1)),
        Service("/customer", _pool(20)),
        8,
    ),
    Fault(
        *("echo-async", "logging-overhead", "fastapi_async"),
        Service("/customer", _pool(20, 0, ECHO=1)),
        Service("/customer", _pool(20)),
        8,
    ),
    Fault(
        *("debug-fastapi", "logging-overhead", "fastapi_async"),
        Service("/price", {"LOG_LEVEL": "DEBUG"}),
        Service("/price"),
        8,
    ),
    Fault(
        *("debug-flask", "logging-overhead", "flask_app"),
        Service("/price", {"LOG_LEVEL": "DEBUG"}),
        Service("/price"),
        4,
        server="gunicorn",
        server_args=_threads(4),
    ),
    Fault(
        *("debug-django", "logging-overhead", "django_app"),
        Service("/price", {"LOG_LEVEL": "DEBUG"}),
        Service("/price"),
        4,
        server="gunicorn",
        server_args=_threads(4),
    ),
    Fault(
        *("memory-bytes", "memory-growth", "fastapi_sync"),
        Service("/remember"),
        Service("/remember-recent"),
        8,
        duration_s=6,
    ),
    Fault(
        *("memory-objects", "memory-growth", "fastapi_async"),
        Service("/remember"),
        Service("/remember-recent"),
        8,
        duration_s=6,
    ),
    Fault(
        *("files-open", "descriptor-leak", "fastapi_sync"),
        Service("/hosts-open"),
        Service("/hosts-closed"),
        4,
        duration_s=6,
    ),
    Fault(
        *("threads-kept", "descriptor-leak", "flask_app"),
        Service("/background"),
        Service("/background-ends"),
        4,
        duration_s=6,
        server="gunicorn",
        server_args=_threads(4),
    ),
    # --- connections ---------------------------------------------------------------------------
    Fault(
        *("starved-threads", "connections-starved", "raw_threads"),
        Service(env={"WORKERS": "4"}),
        Service(env={"WORKERS": "64"}),
        40,
        server=None,
        backends=(),
    ),
    Fault(
        *("starved-asyncio", "connections-starved", "raw_asyncio"),
        Service(env={"SLOTS": "8"}),
        Service(env={"SLOTS": "64"}),
        40,
        server=None,
        backends=(),
    ),
    Fault(
        *("backlog-threads", "accept-queue-full", "raw_threads"),
        Service(env={"BACKLOG": "2", "ACCEPT_MS": "40", "WORKERS": "64"}),
        Service(env={"BACKLOG": "1024", "WORKERS": "64"}),
        60,
        server=None,
        backends=(),
    ),
    Fault(
        *("backlog-gunicorn", "accept-queue-full", "flask_app"),
        Service(
            "/order-released",
            connections=60,
            server_args=("--worker-class", "sync", "--backlog", "2"),
        ),
        Service("/", server_args=("--worker-class", "sync", "--backlog", "2048")),
        60,
        server="gunicorn",
        server_args=(),
        keep_alive=False,
    ),
    Fault(
        *("close-fastapi", "keep-alive-off", "fastapi_async"),
        Service("/closing"),
        Service("/"),
        8,
    ),
    Fault(
        *("close-gunicorn", "keep-alive-off", "flask_app"),
        Service("/total", server_args=("--worker-class", "sync")),
        Service("/total", server_args=_threads(8)),
        8,
        server="gunicorn",
    ),
    # --- errors, hangs, crashes ----------------------------------------------------------------
    Fault(
        *("errors-fastapi", "errors-dominate", "fastapi_async"),
        Service("/broken"),
        Service("/sleep?ms=5"),
        8,
    ),
    Fault(
        *("errors-sync", "errors-dominate", "fastapi_sync"),
        Service("/broken"),
        Service("/wait?ms=5"),
        8,
    ),
    Fault(
        *("errors-flask", "errors-dominate", "flask_app"),
        Service("/broken"),
        Service("/total"),
        8,
        server="gunicorn",
        server_args=_threads(8),
    ),
    Fault(
        *("hang-threads", "hang", "fastapi_sync"),
        Service("/stops"),
        Service("/stops?after=100000000"),
        16,
        stops=True,
    ),
    Fault(
        *("hang-tasks", "hang", "fastapi_async"),
        Service("/stops"),
        Service("/stops?after=100000000"),
        16,
        stops=True,
    ),
    Fault(
        *("crash-signal", "crash", "fastapi_sync"),
        Service("/dies"),
        Service("/dies?after=100000000"),
        8,
    ),
    Fault(
        *("crash-exit", "crash", "fastapi_async"),
        Service("/dies"),
        Service("/dies?after=100000000"),
        8,
    ),
    Fault(
        *("slower-later", "not-steady", "fastapi_async"),
        Service("/slows-down?after_s=5"),
        Service("/slows-down?after_s=1000"),
        8,
        duration_s=10,
    ),
)


def fault(name: str) -> Fault:
    """The one of that name; KeyError if there is none."""
    return {one.name: one for one in FAULTS}[name]
