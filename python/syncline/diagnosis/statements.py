"""Rules about what a request does: its statements, its calls elsewhere, its answer, its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    MOSTLY,
    at_work,
    cpu_busy,
    cpu_cores,
    cpu_idle,
    nested,
    pools,
    standing,
    stuck,
)
from syncline.diagnosis.places import at_place, effort_share, since, stands
from syncline.diagnosis.view import View, number, text
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_MANY = 5.0  # statements in a request
_REPEATS = 4.0  # of one statement in a request
_LARGE_BYTES = 50_000  # of an answer
_MAKING = 0.4  # of the CPU, in validation and serialisation
_LOGGING = 0.15  # of the CPU

_TOGETHER = """\
select(Book).options(joinedload(Book.publisher), selectinload(Book.authors))
"""
_LESS = """\
@app.get("/articles")
def articles(after: int = 0, limit: int = 50) -> list[Article]:   # a page, not all
"""
_LIMITS = """\
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=200), timeout=5)  # one, shared
"""


@dataclass(frozen=True, slots=True)
class Route:
    """What the requests of one route did while the load lasted, over all processes.

    Attributes:
        each: statements per request.
        times: how often the most repeated statement ran in a request that repeats it.
        least, most: statements of a request, since the service began.
    """

    name: str
    each: float
    times: float
    statement: str
    least: float
    most: float
    inside_s: float


def n_plus_one(view: View) -> Finding | None:
    """The same statement again and again within one request."""
    many = [one for one in _routes(view) if one.each >= _MANY and one.times >= _REPEATS]
    if not many:
        return _many_calls(view)
    worst = max(many, key=lambda one: (one.times, one.name))
    return conclude(
        view,
        "n-plus-one",
        "warning",
        f"{worst.name} runs {worst.each:.0f} statements per request, {worst.times:.0f} of them "
        "the same one.",
        signs=[
            sign(0.4, "statements per request", worst.each, _MANY, None, "probe"),
            sign(
                0.6, "times the same statement in a request", worst.times, _REPEATS, None, "probe"
            ),
            sign(0.2, "the statement", worst.statement, None, None, "probe"),
            sign(0.2, "most statements in a request", worst.most, worst.least, None, "probe")
            if worst.most > worst.least
            else None,
        ],
        fix=Fix(
            f"Load the related rows together{at_place(view, 'statement')}.",
            _TOGETHER,
            prediction=f"{worst.each:.0f} statements become 1 to 3.",
        ),
    )


def held_upstream(view: View) -> Finding | None:
    """Requests wait for another service or for the client's pool to it."""
    signs: list[Sign | None] = []
    for pool in pools(view, names.HTTP_POOLS):
        if pool.is_full and pool.full is not None:
            signs.append(
                sign(
                    *(0.65, "waiting for an HTTP connection", pool.waiters, 0),
                    *(pool.full[1], "probe"),
                )
            )
    count, behind = standing(
        view, "httpcore", "httpx", "urllib3", "aiohttp/client", "http/client.py"
    )
    if count >= max(2, view.level * MOSTLY):
        where = f"requests standing in an HTTP client, from {behind or 'a library'}"
        signs.append(sign(0.6, where, count, view.level * MOSTLY, None, "probe"))
    if waiting := stands(view, "upstream"):
        share = sum(one.share for one in waiting)
        behind = behind or waiting[0].place
        crowd = share * (view.mean(names.REQUESTS_INSIDE) or 0.0)
        if share >= MOSTLY and crowd >= min(2.0, view.level / 2):
            words = f"requests standing in an HTTP client, share, from {waiting[0].place}"
            signs.append(sign(0.65, words, share, MOSTLY, None, "probe"))
    if not signs:
        return None
    return conclude(
        view,
        "held-upstream",
        "error" if stuck(view) else "warning",
        "Requests wait for another service, or for a connection to it"
        + (f" ({behind})." if behind else "."),
        signs=[*signs, cpu_idle(view, 0.3)],
        against=[cpu_busy(view, 0.7)],
        fix=Fix(
            "One shared client with limits that fit, time-outs, and fewer calls"
            + (f" ({behind})." if behind else "."),
            _LIMITS,
        ),
    )


def payload_bound(view: View) -> Finding | None:
    """Making the answers takes most of a busy processor."""
    share, used = effort_share(view, names.ANSWER_CPU_S), cpu_cores(view)
    if not view.result.ok or share is None or used is None:
        return None
    if share < _MAKING or not at_work(view):
        return None
    size = view.result.bytes_in / view.result.ok
    route = next(iter(sorted(_routes(view), key=lambda one: (-one.inside_s, one.name))), None)
    at = f" ({route.name})" if route is not None else ""
    return conclude(
        view,
        "payload-bound",
        "info",
        f"{share:.0%} of the service's CPU goes into making its answers{at}, of "
        f"{size / 1000:.3g} kB each.",
        signs=[
            sign(0.65, "CPU in validation and serialisation, share", share, _MAKING, None, "probe"),
            sign(0.3, "bytes per answer", size, _LARGE_BYTES) if size >= _LARGE_BYTES else None,
            sign(0.2, "busiest process, cores", used, None, None, "process"),
        ],
        fix=Fix(
            f"Send less{at}: pages, fewer fields; or validate and serialise less.",
            _LESS,
            prediction=f"Without it, at most {1 / (1 - min(share, 0.95)):.1f} times the answers.",
        ),
    )


def logging_overhead(view: View) -> Finding | None:
    """Statements are echoed with every request, or the log takes much of the processor."""
    share = effort_share(view, names.LOG_CPU_S)
    echo = any(
        pool.get("echo") in (True, "debug")
        for row in view.rows(names.SETTINGS)
        for pool in nested(row, "pools")
    )
    costly = share is not None and share >= _LOGGING
    if not echo and not costly:
        return None
    statements, requests = view.growth(names.STATEMENTS), view.growth(names.REQUESTS_TOTAL)
    each = statements / requests if statements and requests else None
    records = view.growth(names.LOG_CALLS)
    lines = records / requests if records and requests else None
    what = "Every statement is echoed to the log" if echo else "The log is written to at length"
    return conclude(
        view,
        "logging-overhead",
        "info",
        what
        + (f", {lines:.0f} records per request" if lines is not None else "")
        + (f"; that takes {share:.0%} of the service's CPU." if costly else "."),
        signs=[
            sign(0.6, "echo", "on", "off", None, "probe") if echo else None,
            sign(0.3, "statements per request", each, 0, None, "probe") if echo and each else None,
            sign(0.65, "CPU in the log, share", share, _LOGGING, None, "probe") if costly else None,
            sign(0.2, "records per request", lines, 1, None, "probe")
            if lines is not None and lines >= 1
            else None,
        ],
        fix=Fix("echo=False.", "create_engine(url, echo=False)\n", what_if={"echo": "off"})
        if echo
        else Fix(
            "Log less per request: a higher level, one record instead of many.",
            'logging.getLogger().setLevel("INFO")\n',
            what_if={"log_level": "warning"},
            prediction=f"Up to {1 / (1 - min(share or 0.0, 0.95)):.1f} times the answers.",
        ),
    )


def _many_calls(view: View) -> Finding | None:
    """From the database's own counts, where no request could be watched."""
    if not view.ended or next(_routes(view), None) is not None:
        return None
    rows = [row for row in view.rows(names.STATEMENT) if number(row, "calls")]
    row = max(rows, key=lambda one: number(one, "calls") or 0.0, default=None)
    if row is None:
        return None
    each = (number(row, "calls") or 0) / view.ended
    if each < _MANY:
        return None
    return conclude(
        view,
        "n-plus-one",
        "warning",
        f"One statement runs {each:.0f} times per request.",
        signs=[
            sign(0.6, "calls of one statement per request", each, _MANY, None, "database"),
            sign(0.1, "the statement", text(row, "statement"), None, None, "database"),
        ],
        fix=Fix("Load the related rows together.", _TOGETHER),
    )


def _routes(view: View) -> Iterator[Route]:
    """The rows count from the process's start and hold what they were at the load's begin."""
    by_name: dict[str, list[Mapping[str, object]]] = {}
    for row in view.rows(names.ROUTE):
        by_name.setdefault(text(row, "route"), []).append(row)
    for name, rows in sorted(by_name.items()):
        requests = sum(since(row, "requests") for row in rows)
        if requests < 1:
            continue
        repeated = [found for row in rows if isinstance(found := row.get("repeated"), Mapping)]
        in_requests = sum(number(one, "requests") or 0.0 for one in repeated)
        yield Route(
            name,
            each=sum(since(row, "statements") for row in rows) / requests,
            times=sum(number(one, "times") or 0.0 for one in repeated) / max(1.0, in_requests),
            statement=text(repeated[0], "statement") if repeated else "",
            least=min(number(row, "statements_min") or 0.0 for row in rows),
            most=max(number(row, "statements_max") or 0.0 for row in rows),
            inside_s=sum(since(row, "inside_s") for row in rows),
        )
