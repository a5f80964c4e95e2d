"""Rules about what a request does: its statements, its calls elsewhere, its answer, its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline.diagnosis import names
from syncline.diagnosis.facts import (
    MOSTLY,
    cpu_busy,
    cpu_idle,
    nested,
    pools,
    settings,
    standing,
    statement_share,
    stuck,
)
from syncline.diagnosis.view import View, number, text
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_MANY = 5.0  # statements in a request
_REPEATS = 4.0  # of one statement in a request
_LARGE_BYTES = 50_000  # of an answer

_TOGETHER = """\
select(Book).options(joinedload(Book.publisher), selectinload(Book.authors))
"""
_LIMITS = """\
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=200), timeout=5)  # one, shared
"""


def n_plus_one(view: View) -> Finding | None:
    """The same statement again and again within one request."""
    worst: tuple[float, Mapping[str, object], Mapping[str, object]] | None = None
    for row in _routes(view):
        requests, repeated = number(row, "requests"), row.get("repeated")
        if not requests or not isinstance(repeated, Mapping):
            continue
        times = (number(repeated, "times") or 0) / (number(repeated, "requests") or requests)
        each = (number(row, "statements") or 0) / requests
        if each >= _MANY and times >= _REPEATS and (worst is None or times > worst[0]):
            worst = times, row, repeated
    if worst is None:
        return _many_calls(view)
    times, row, repeated = worst
    each = (number(row, "statements") or 0) / (number(row, "requests") or 1)
    least, most = number(row, "statements_min"), number(row, "statements_max")
    grows = least is not None and most is not None and most > least
    return conclude(
        view,
        "n-plus-one",
        "warning",
        f"{text(row, 'route')} runs {each:.0f} statements per request, {times:.0f} of them the "
        "same one.",
        signs=[
            sign(0.4, "statements per request", each, _MANY, None, "probe"),
            sign(0.6, "times the same statement in a request", times, _REPEATS, None, "probe"),
            sign(0.2, "the statement", text(repeated, "statement"), None, None, "probe"),
            sign(0.2, "most statements in a request", most, least, None, "probe")
            if grows
            else None,
        ],
        fix=Fix(
            "Load the related rows together.",
            _TOGETHER,
            prediction=f"{each:.0f} statements become 1 to 3.",
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
        fix=Fix("One shared client with limits that fit, time-outs, and fewer calls.", _LIMITS),
    )


def payload_bound(view: View) -> Finding | None:
    """Large answers, a full processor, and little time in statements."""
    if not view.result.ok:
        return None
    size = view.result.bytes_in / view.result.ok
    busy, share = cpu_busy(view, 0.3), statement_share(view)
    if size < _LARGE_BYTES or busy is None:
        return None
    signs = [sign(0.4, "bytes per answer", size, _LARGE_BYTES), busy]
    against = []
    if share is not None and share < 0.4:
        signs.append(sign(0.3, "time in statements, share", share, 0.4, None, "probe"))
    elif share is not None:
        against.append(sign(0.5, "time in statements, share", share, 0.4, None, "probe"))
    return conclude(
        view,
        "payload-bound",
        "info",
        f"Answers of {size / 1000:.0f} kB keep a core busy; making them is most of the work.",
        signs=signs,
        against=against,
        fix=Fix("Send less (pages, fields), or validate and serialise less."),
    )


def logging_overhead(view: View) -> Finding | None:
    """Statements are echoed with every request."""
    echo = any(
        pool.get("echo") in (True, "debug")
        for row in settings(view)
        for pool in nested(row, "pools")
    )
    if not echo:
        return None
    statements, requests = view.growth(names.STATEMENTS), view.growth(names.REQUESTS_TOTAL)
    each = statements / requests if statements and requests else None
    return conclude(
        view,
        "logging-overhead",
        "info",
        "Every statement is echoed to the log"
        + (f", {each:.0f} per request." if each is not None else "."),
        signs=[
            sign(0.6, "echo", "on", "off", None, "probe"),
            sign(0.3, "statements per request", each, 0, None, "probe") if each else None,
            cpu_busy(view, 0.2),
        ],
        fix=Fix("echo=False.", "create_engine(url, echo=False)\n", what_if={"echo": "off"}),
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


def _routes(view: View) -> Iterator[Mapping[str, object]]:
    yield from view.rows(names.ROUTE)
    for data in view.rows(names.SUMMARY):
        yield from nested(data, "routes")
