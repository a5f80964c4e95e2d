"""What is tried: each framework under servers that serve it, with what it keeps data in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from syncline.finding import Code
from syncline.plan import Request, Timeouts
from syncline.trial import Case, Experiment, Interface, Load, Server, Trial, Variant

_APPS = "tests.frameworks.apps."
_LOAD_S = 2.0
# Few where requests are dear, so that some end on a busy machine too; many for a pool of 2.
_CONNECTIONS: Mapping[Code, int] = {"n-plus-one": 4, "pool-exhausted": 12, "loop-blocked": 4}
_THREADS = ("--worker-class", "gthread", "--threads", "12")

ORDERS, REPORTS, SIGNATURES = "/orders/7", "/reports/7", "/signatures/a"


@dataclass(frozen=True, slots=True)
class Pair:
    """A framework under a server.

    Attributes:
        framework, data: for a person: what it is, and by what it keeps data.
        server: None where the framework is a server of its own.
        app: in the folder ``apps``, as ``module:attribute``.
        path: what is requested; ``route`` is what the probe must call it.
        fault: what is wrong with it, and must be found.
        always: whether ``make test`` tries it; ``make test-matrix`` tries all.
    """

    framework: str
    interface: Interface
    server: Server | None
    data: str
    app: str
    path: str
    route: str
    fault: Code
    server_args: tuple[str, ...] = ()
    always: bool = True

    @property
    def name(self) -> str:
        """``django-asgi-uvicorn``."""
        words = (self.framework.lower(), self.interface, self.server or "itself")
        return "-".join(words)

    def variant(self) -> Variant:
        """It as a variant of the one case."""
        if self.server is None:
            module = _APPS + self.app.partition(":")[0]
            return Variant(self.name, command=("{python}", "-m", module, "{port}"))
        return Variant(
            self.name,
            app=_APPS + self.app,
            interface=self.interface,
            server=self.server,
            server_args=self.server_args,
        )

    def load(self) -> Load:
        """What brings its fault out."""
        return Load(
            _CONNECTIONS[self.fault], _LOAD_S, (Request(self.path),), timeouts=Timeouts(4, 20, 20)
        )


_ASYNC = Pair("", "asgi", "uvicorn", "", "", ORDERS, "GET /orders/{shop}", "n-plus-one")
_REPORT = replace(
    _ASYNC,
    path=REPORTS,
    route="GET /reports/{month}",
    fault="pool-exhausted",
)
_SIGN = replace(_ASYNC, path=SIGNATURES, route="GET /signatures/{name}", fault="loop-blocked")
_SYNC = replace(_ASYNC, interface="wsgi", server="gunicorn", server_args=_THREADS)

_FASTAPI = replace(_ASYNC, framework="FastAPI", data="SQLAlchemy, asyncpg", app="fastapi_app:app")
_STARLETTE = replace(_REPORT, framework="Starlette", data="asyncpg", app="starlette_app:app")
_LITESTAR = replace(_REPORT, framework="Litestar", data="psycopg pool", app="litestar_app:app")
_FLASK = replace(
    _SYNC,
    framework="Flask",
    data="SQLAlchemy, psycopg",
    app="flask_app:app",
    route="GET /orders/<int:shop>",
)
_DJANGO = replace(
    _ASYNC,
    framework="Django",
    data="Django ORM",
    app="django_app:asgi",
    route="GET /orders/<int:shop>",
)
_FALCON = replace(
    _SYNC,
    framework="Falcon",
    data="psycopg pool",
    app="falcon_wsgi:app",
    path=REPORTS,
    route="GET /reports/{month:int}",
    fault="pool-exhausted",
)
_FALCON_ASGI = replace(_SIGN, framework="Falcon", data="redis", app="falcon_asgi:app")

PAIRS: tuple[Pair, ...] = (
    _FASTAPI,
    replace(_FASTAPI, server="granian", always=False),
    replace(_FASTAPI, server="gunicorn", always=False),
    replace(_STARLETTE, server="granian"),
    replace(_STARLETTE, always=False),
    replace(_LITESTAR, server="hypercorn"),
    replace(_LITESTAR, always=False),
    _FLASK,
    replace(_FLASK, server="granian", server_args=(), always=False),
    replace(_DJANGO, app="django_app:wsgi", interface="wsgi", server="waitress"),
    _DJANGO,
    replace(_DJANGO, server="hypercorn", always=False),
    _FALCON,
    replace(_FALCON, server="waitress", server_args=(), always=False),
    _FALCON_ASGI,
    replace(_FALCON_ASGI, server="granian", always=False),
    replace(_SIGN, framework="aiohttp", server=None, data="–", app="aiohttp_app:app"),
)


def case(pairs: tuple[Pair, ...]) -> Case:
    """All pairs as variants of one case, so that they share their servers."""
    variants = tuple(one.variant() for one in pairs)
    loads = tuple(one.load() for one in pairs)
    return Case(
        name="frameworks",
        title="each framework under servers that serve it",
        question="Is the fault that was put in found?",
        variants=variants,
        default_variants=tuple(one.name for one in variants),
        loads=loads,
        quick_loads=loads,
        backends=("postgres", "valkey"),
        prepare="tests.faults.services.tables",
    )


def experiment(pairs: tuple[Pair, ...]) -> Experiment:
    """Each pair once, alone."""
    trials = tuple(Trial("frameworks", one.variant(), one.load()) for one in pairs)
    return Experiment("frameworks", "find each fault", trials, alone=True)


def table() -> str:
    """The pairs as Markdown, for docs/frameworks.md."""
    rows = [
        f"| {one.framework} | {'its own' if one.server is None else one.interface.upper()} | "
        f"{one.server or 'itself'} | {one.data} | `{one.route}` | `{one.fault}` |"
        for one in PAIRS
    ]
    head = "| framework | interface | server | data | route, as the probe names it | fault found |"
    return "\n".join([head, "| --- | --- | --- | --- | --- | --- |", *rows])
