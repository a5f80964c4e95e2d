"""What a service is asked to hold, as a sentence that a person writes and a machine judges.

The grammar, case and spaces free, several objectives apart by commas::

    objective = bound | drift | absence, followed by any of the scopes
    bound     = latency ("<" | "<=") NUMBER ("us" | "ms" | "s")     p99 < 50ms
              | ("errors" | "timeouts") ("<" | "<=") NUMBER "%"     errors < 0.1%
              | "throughput" (">" | ">=") NUMBER ["req/s"]          throughput > 500 req/s
    drift     = (latency | "throughput") "not more than" NUMBER "%"
                ("below" | "above" | "worse than") "baseline"
    absence   = "no finding" ["of severity" SEVERITY | CODE]
    scope     = "at" NUMBER "connections" | "at" NUMBER "req/s" | "for" VARIANT | "under" LOAD
    latency   = "p50" | "p75" | "p90" | "p95" | "p99" | "p99.9" | "mean" | "max"

Latency is response time where the load has planned instants (open loop), else service time.
``errors`` is the share of ended requests that failed or timed out. An objective without a scope
holds for every cell of a run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from syncline.errors import UsageError
from syncline.finding import Code, Severity
from syncline.outcome import LoadResult

Latency = Literal["p50", "p75", "p90", "p95", "p99", "p99.9", "mean", "max"]
Share = Literal["errors", "timeouts"]
Quantity = Literal[Latency, Share, "throughput"]

LATENCIES: tuple[Latency, ...] = get_args(Latency)
SHARES: tuple[Share, ...] = get_args(Share)
_FIELDS = {"p99.9": "p99_9"}


@dataclass(frozen=True, slots=True)
class Scope:
    """The cells that an objective is about; None means any.

    Attributes:
        variant: a variant's name.
        load: the name of a kind of load.
        connections: a level.
        rate_rps: the constant rate that an open loop offers.
    """

    variant: str | None = None
    load: str | None = None
    connections: int | None = None
    rate_rps: float | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity stays below its limit; throughput stays above it.

    Attributes:
        limit: microseconds for a latency, a share from 0 to 1 for errors and timeouts,
            requests per second for throughput.
        inclusive: whether the limit itself is good.
    """

    quantity: Quantity
    limit: float
    inclusive: bool = False
    scope: Scope = field(default_factory=Scope)
    kind: Literal["bound"] = "bound"


@dataclass(frozen=True, slots=True)
class Drift:
    """A quantity is worse than the baseline's by no more than a share.

    Attributes:
        tolerance: as a share: 0.05 lets throughput fall to 0.95 of the baseline's, and a
            latency rise to 1.05 of it.
    """

    quantity: Latency | Literal["throughput"]
    tolerance: float
    scope: Scope = field(default_factory=Scope)
    kind: Literal["drift"] = "drift"


@dataclass(frozen=True, slots=True)
class Absence:
    """No finding stands.

    Attributes:
        severity: only findings of this severity or a graver one count.
        code: only this one counts.
    """

    severity: Severity = "warning"
    code: Code | None = None
    scope: Scope = field(default_factory=Scope)
    kind: Literal["absence"] = "absence"


Objective: TypeAlias = Bound | Drift | Absence


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """The objectives of a text such as ``p99<50ms,errors<1%``.

    Raises:
        UsageError: one of them cannot be read, and how it would be written.
    """
    return tuple(parse_objective(part) for part in text.split(","))


def parse_objective(text: str) -> Objective:
    """One objective.

    Raises:
        UsageError: it cannot be read, and how it would be written.
    """
    head, scope = _split_scopes(" ".join(text.split()))
    for pattern, build in ((_BOUND, _bound), (_DRIFT, _drift), (_ABSENCE, _absence)):
        if found := pattern.fullmatch(head):
            return build(found, text, scope)
    raise UsageError(
        f"{text.strip()!r} is no objective; write one such as 'p99 < 50ms at 48 connections', "
        "'errors < 0.1%', 'throughput > 500 req/s', 'throughput not more than 5 % below baseline' "
        "or 'no finding of severity error'."
    )


def describe(objective: Objective) -> str:
    """The objective in its usual spelling; :func:`parse_objective` reads it back."""
    match objective:
        case Bound(quantity="throughput", limit=limit, inclusive=inclusive):
            text = f"throughput {'>=' if inclusive else '>'} {limit:.12g} req/s"
        case Bound(quantity=quantity, limit=limit, inclusive=inclusive):
            shown = f"{limit * 100:.12g} %" if quantity in SHARES else _duration(limit)
            text = f"{quantity} {'<=' if inclusive else '<'} {shown}"
        case Drift(quantity=quantity, tolerance=tolerance):
            side = "below" if quantity == "throughput" else "above"
            text = f"{quantity} not more than {tolerance * 100:.12g} % {side} baseline"
        case Absence(code=None, severity=severity):
            text = f"no finding of severity {severity}"
        case Absence(code=code):
            text = f"no finding {code}"
    return text + _scope_words(objective.scope)


def measure(quantity: Quantity, result: LoadResult) -> float | None:
    """The quantity in one load's result, in the unit of :attr:`Bound.limit`.

    None where nothing was answered that it could be told from.
    """
    if quantity == "throughput":
        return result.throughput_rps
    if quantity in SHARES:
        ended = result.ok + result.failed + result.timed_out
        bad = result.timed_out + (result.failed if quantity == "errors" else 0)
        return bad / ended if ended else None
    times = result.response_time_us or result.service_time_us
    if times is None:
        return None
    value: float = getattr(times, _FIELDS.get(quantity, quantity))
    return value


def holds(bound: Bound, value: float) -> bool:
    """Whether a value of :func:`measure` is within the bound."""
    if bound.inclusive and value == bound.limit:
        return True
    return value > bound.limit if bound.quantity == "throughput" else value < bound.limit


_NUMBER = r"(?P<number>\d+(?:\.\d+)?|\.\d+)"
_QUANTITY = r"(?P<quantity>p\d\d(?:[._]?9)?|mean|max|errors|timeouts|throughput)"
_BOUND = re.compile(
    rf"{_QUANTITY} ?(?P<relation><=|>=|<|>|≤|≥) ?{_NUMBER} ?(?P<unit>[a-zµ%/]*)", re.IGNORECASE
)
_DRIFT = re.compile(
    rf"{_QUANTITY} not more than {_NUMBER} ?% (?P<side>below|above|worse than) (?:the )?baseline",
    re.IGNORECASE,
)
_ABSENCE = re.compile(
    r"no findings?(?: of severity (?P<severity>[a-z]+)| (?P<code>[a-z][a-z0-9-]*))?", re.IGNORECASE
)
_SCOPE = re.compile(
    r" (?:at (?P<connections>\d+) (?:connections?|conns?)"
    r"|at (?P<rate>\d+(?:\.\d+)?) ?(?:req/s|rps|/s)"
    r"|for (?P<variant>[^\s,]+)"
    r"|under (?P<load>[^\s,]+))$",
    re.IGNORECASE,
)
_MICROSECONDS = {"us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6}
_RATES = frozenset({"", "req/s", "rps", "/s"})


def _split_scopes(text: str) -> tuple[str, Scope]:
    given: dict[str, str] = {}
    head = text
    while found := _SCOPE.search(head):
        name, value = next((k, v) for k, v in found.groupdict().items() if v is not None)
        if name in given:
            raise UsageError(f"{text!r} says twice where it holds; say it once.")
        given[name] = value
        head = head[: found.start()]
    scope = Scope(
        variant=given.get("variant"),
        load=given.get("load"),
        connections=int(given["connections"]) if "connections" in given else None,
        rate_rps=float(given["rate"]) if "rate" in given else None,
    )
    return head, scope


def _bound(found: re.Match[str], text: str, scope: Scope) -> Bound:
    quantity = _quantity(found["quantity"], text)
    relation = found["relation"].replace("≤", "<=").replace("≥", ">=")
    wanted = ">" if quantity == "throughput" else "<"
    if relation[0] != wanted:
        good = "high" if wanted == ">" else "low"
        raise UsageError(
            f"{text.strip()!r} asks for the worse: {quantity} is good when {good}; "
            f"write {wanted} instead of {relation[0]}."
        )
    number, unit = float(found["number"]), found["unit"].lower()
    if quantity == "throughput":
        if unit not in _RATES:
            raise UsageError(f"{text.strip()!r}: throughput is in req/s, not in {unit}.")
        limit = number
    elif quantity in SHARES:
        if unit != "%" or number > 100:
            raise UsageError(
                f"{text.strip()!r}: {quantity} are a share of all requests; write {quantity} < 1%."
            )
        limit = number / 100
    elif unit not in _MICROSECONDS:
        raise UsageError(f"{text.strip()!r}: a latency needs a unit; write {quantity} < 50ms.")
    else:
        limit = number * _MICROSECONDS[unit]
    return Bound(quantity, limit, "=" in relation, scope)


def _drift(found: re.Match[str], text: str, scope: Scope) -> Drift:
    quantity = _quantity(found["quantity"], text)
    if quantity == "errors" or quantity == "timeouts":
        raise UsageError(
            f"{text.strip()!r}: a share of {quantity} has no ratio to a baseline that may be 0; "
            f"write {quantity} < 1%."
        )
    worse = "below" if quantity == "throughput" else "above"
    if found["side"].lower() not in (worse, "worse than"):
        raise UsageError(f"{text.strip()!r} asks for the worse; write '{worse} baseline'.")
    tolerance = float(found["number"]) / 100
    if quantity == "throughput" and tolerance >= 1:
        raise UsageError(f"{text.strip()!r} allows anything: throughput cannot fall below 0.")
    return Drift(quantity, tolerance, scope)


def _absence(found: re.Match[str], text: str, scope: Scope) -> Absence:
    severity = (found["severity"] or "warning").lower()
    code = found["code"].lower() if found["code"] else None
    for name in get_args(Severity):
        if severity == name:
            break
    else:
        known = ", ".join(get_args(Severity))
        raise UsageError(f"{text.strip()!r}: {severity!r} is no severity; there are {known}.")
    if code is None:
        return Absence(name, None, scope)
    for known_code in get_args(Code):
        if code == known_code:
            return Absence("info", known_code, scope)
    raise UsageError(
        f"{text.strip()!r}: there is no finding {code!r}; 'syncline explain' lists them."
    )


def _quantity(word: str, text: str) -> Quantity:
    name = word.lower().replace("_", ".").replace("p999", "p99.9")
    for quantity in (*LATENCIES, *SHARES):
        if name == quantity:
            return quantity
    if name == "throughput":
        return "throughput"
    raise UsageError(f"{text.strip()!r}: {word} is not kept; there are {', '.join(LATENCIES)}.")


def _duration(us: float) -> str:
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if us >= scale:
            return f"{us / scale:.12g} {unit}"
    return f"{us:.12g} us"


def _scope_words(scope: Scope) -> str:
    words = ""
    if scope.variant is not None:
        words += f" for {scope.variant}"
    if scope.load is not None:
        words += f" under {scope.load}"
    if scope.connections is not None:
        words += f" at {scope.connections} connection{'' if scope.connections == 1 else 's'}"
    if scope.rate_rps is not None:
        words += f" at {scope.rate_rps:.12g} req/s"
    return words
