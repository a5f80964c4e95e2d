"""What the load engine is asked to do, as one frozen value.

:class:`Plan` crosses to the engine as JSON (``codec.to_json``); the engine refuses unknown
fields, so this module and ``engine/src/plan.rs`` say the same thing twice and a test holds
them together. Durations are seconds, rates requests per second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from syncline.errors import PlanError


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request of a load.

    Attributes:
        path: path and query as they go on the wire; may hold templates (``{{string:3}}``).
        method: the HTTP method.
        name: what reports call it.
        headers: name and value pairs, sent in this order after Host.
        body: the body as text (UTF-8 on the wire), or None; may hold templates.
        body_base64: the body as bytes, base64-encoded, instead of ``body``; no templates in it.
        weight: the share of this request among all, relative to the others' weights.
        expect: the status codes that count as success; empty means any 2xx or 3xx.
        templates: False sends ``{{`` as it stands.
    """

    path: str = "/"
    method: str = "GET"
    name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_base64: str | None = None
    weight: float = 1.0
    expect: tuple[int, ...] = ()
    templates: bool = True

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise PlanError(f"path is {self.path!r}; it must start with '/'.")
        if not self.weight > 0:
            raise PlanError(f"weight is {self.weight}; it must be above 0.")
        if self.body is not None and self.body_base64 is not None:
            raise PlanError("body and body_base64 are both given; give one.")


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Each connection sends its next request when its last response ended.

    Attributes:
        think_time_s: the pause between a response and the next request.
    """

    kind: Literal["closed"] = "closed"
    think_time_s: float = 0.0

    def __post_init__(self) -> None:
        if self.think_time_s < 0:
            raise PlanError(f"think_time_s is {self.think_time_s}; it cannot be negative.")


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of an open loop, in which the rate goes in a straight line.

    Attributes:
        duration_s: its length.
        from_rps: the rate at its start.
        to_rps: the rate at its end; equal to ``from_rps`` for a constant rate.
    """

    duration_s: float
    from_rps: float
    to_rps: float

    def __post_init__(self) -> None:
        if not self.duration_s > 0:
            raise PlanError(f"duration_s is {self.duration_s}; it must be above 0.")
        if min(self.from_rps, self.to_rps) < 0:
            raise PlanError("a rate is negative; rates are requests per second, 0 or more.")


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests start at planned instants, whatever the server does.

    Attributes:
        phases: the rate over time, one stretch after the other; constant, ramp, steps and
            spikes are all sequences of phases. The last phase's final rate holds to the end.
        arrivals: ``uniform`` spaces requests evenly by the rate; ``poisson`` draws them as a
            Poisson process of that rate from the plan's seed.
        queue_limit: how many requests may wait for a free connection, over all threads; one
            that finds the queue full is counted as unsent.
    """

    phases: tuple[Phase, ...]
    kind: Literal["open"] = "open"
    arrivals: Literal["uniform", "poisson"] = "uniform"
    queue_limit: int = 1_000_000

    def __post_init__(self) -> None:
        if not self.phases:
            raise PlanError("phases is empty; an open loop needs at least one.")


Schedule: TypeAlias = ClosedLoop | OpenLoop


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds on one request.

    Attributes:
        connect_s: opening a connection, TLS included.
        response_s: silence while a response is awaited: since the send, or since its last byte.
        total_s: from the send to the last byte of the response.
    """

    connect_s: float = 5.0
    response_s: float = 30.0
    total_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("connect_s", "response_s", "total_s"):
            if not getattr(self, name) > 0:
                raise PlanError(f"{name} is {getattr(self, name)}; it must be above 0.")


@dataclass(frozen=True, slots=True)
class Tls:
    """How an ``https`` target is trusted and how the client shows who it is.

    Attributes:
        verify: check the certificate chain and the name.
        ca_file: a PEM file of authorities to trust instead of the system's.
        cert_file: a PEM file with the client's certificate chain.
        key_file: a PEM file with the client's private key.
        server_name: the name for SNI and for the check, instead of the target's host.
    """

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a hostile server from filling the engine.

    Attributes:
        header_bytes: the longest response head that is read.
        body_bytes: the longest body that is read; a longer one is a ``bad-response``. None is
            no bound: bodies are counted, never kept, so they cost no memory.
    """

    header_bytes: int = 65536
    body_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole load: where, what, how often, for how long, within which bounds.

    Attributes:
        target: ``http://HOST[:PORT]``, ``https://HOST[:PORT]`` or ``unix:///PATH``.
        addresses: the addresses of the target's name, if they were looked up before; then the
            engine does not look them up again. A port is the target's.
        requests: what is sent; several are mixed by their weights, seeded.
        schedule: when requests start.
        connections: how many connections carry them, over all threads.
        threads: how many threads share the connections; never more than connections.
        duration_s: how long to send, warm-up included; or None if ``request_count`` is given.
        request_count: how many requests to send; or None. If both are given, the first
            reached ends the run.
        deadline_s: the hard end: nothing of the run outlives this many seconds after its
            start. None takes ``duration_s`` plus a grace of 2 s, or 600 s without duration.
        warmup_s: the first seconds, which are sent and counted apart, not measured.
        timeouts: bounds on one request.
        keep_alive: reuse connections; False sends ``Connection: close``.
        protocol: the wire protocol.
        seed: fixes every random choice: the same seed sends the same bytes in the same order.
        interval_s: the length of one interval of the time series.
        tls: trust, for ``https`` targets.
        limits: bounds on what is read.
        cookies: keep cookies per connection.
        spin: poll instead of sleeping; exact, at the price of a core per thread.
        pin_cpus: the cores to pin threads to, in turn; empty leaves them to the system.
        user_agent: the User-Agent header, unless a request has its own.
        max_redirects: follow up to this many redirects of one request; 0 reports them as they are.
    """

    target: str
    requests: tuple[Request, ...] = (Request(),)
    schedule: Schedule = field(default_factory=ClosedLoop)
    connections: int = 10
    threads: int = 1
    duration_s: float | None = 10.0
    request_count: int | None = None
    deadline_s: float | None = None
    warmup_s: float = 0.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    keep_alive: bool = True
    protocol: Literal["http/1.1"] = "http/1.1"
    seed: int = 1
    interval_s: float = 1.0
    tls: Tls = field(default_factory=Tls)
    limits: Limits = field(default_factory=Limits)
    cookies: bool = False
    spin: bool = False
    pin_cpus: tuple[int, ...] = ()
    user_agent: str = "syncline"
    max_redirects: int = 0
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.requests:
            raise PlanError("requests is empty; there must be at least one.")
        if not 1 <= self.connections <= 1_000_000:
            raise PlanError(f"connections is {self.connections}; it must be 1 to 1,000,000.")
        if not 1 <= self.threads <= self.connections:
            raise PlanError(
                f"threads is {self.threads}; it must be 1 to connections ({self.connections})."
            )
        if self.duration_s is None and self.request_count is None:
            raise PlanError("neither duration_s nor request_count is given; give one.")
        if self.duration_s is not None and not self.duration_s > 0:
            raise PlanError(f"duration_s is {self.duration_s}; it must be above 0.")
        if self.request_count is not None and self.request_count < 1:
            raise PlanError(f"request_count is {self.request_count}; it must be 1 or more.")
        if self.warmup_s < 0 or (self.duration_s is not None and self.warmup_s >= self.duration_s):
            raise PlanError(
                f"warmup_s is {self.warmup_s}; it must be 0 or more and below duration_s."
            )
        if not self.interval_s >= 0.01:
            raise PlanError(f"interval_s is {self.interval_s}; it must be 0.01 or more.")


def constant_rate(rate_rps: float, arrivals: Literal["uniform", "poisson"] = "uniform") -> OpenLoop:
    """An open loop that sends ``rate_rps`` requests per second for as long as the plan lasts."""
    return OpenLoop(phases=(Phase(1.0, rate_rps, rate_rps),), arrivals=arrivals)
