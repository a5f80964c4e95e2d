"""What a trial left: the load's result, series, validity.

:class:`LoadResult` is what ``engine`` (and later ``agents``) returns; its JSON form is the
RESULT of docs/architecture.md. Times in fields named ``*_us`` are microseconds, ``*_s``
seconds since the load began. What is not known is None, never 0 and never NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncline.codec import LATER
from syncline.folded import Profile

ErrorKind = Literal[
    "dns",
    "connect-refused",
    "connect-timeout",
    "connect-reset",
    "tls",
    "closed-early",
    "reset",
    "response-timeout",
    "total-timeout",
    "incomplete-body",
    "bad-response",
    "header-too-large",
    "generator-limit",
]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A summary of one histogram, in microseconds, 3 significant digits.

    Attributes:
        count: how many values it holds.
        stdev: their standard deviation.
    """

    count: int
    min: float
    mean: float
    stdev: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    p99_9: float
    max: float


@dataclass(frozen=True, slots=True)
class Histograms:
    """The full histograms, each in HdrHistogram V2 compressed form, base64; None if empty.

    Attributes:
        unit_ns: how many nanoseconds one recorded unit is.
        service_time: from the actual send to the last byte, of successful requests, and of
            timed-out ones with the time that was waited.
        response_time: from the planned instant to the last byte (open loop only).
        first_byte: from the send to the first byte of the response.
        connect: of connections that were opened or failed to open, TLS included.
        error_time: service time of failed requests, kept apart.
        lateness: actual send minus planned send, for requests that found a free connection.
    """

    unit_ns: int
    service_time: str | None = None
    response_time: str | None = None
    first_byte: str | None = None
    connect: str | None = None
    error_time: str | None = None
    lateness: str | None = None


@dataclass(frozen=True, slots=True)
class Connections:
    """What became of the connections.

    Attributes:
        asked: how many the plan asked for.
        opened: how many were opened in all, reconnects included.
        failed: attempts that failed.
        never_served: slots of the asked ones on which no response ever ended.
        requests_min, requests_median, requests_max: responses per slot, for fairness.
    """

    asked: int
    opened: int
    failed: int
    never_served: int
    requests_min: int
    requests_median: int
    requests_max: int


@dataclass(frozen=True, slots=True)
class Generator:
    """The generator's own health.

    Attributes:
        cpu_s: CPU that its threads used while measuring, user and system.
        cpu_share: the busiest thread's CPU over the measured time; near 1 it is the limit.
        lateness_us: how late sends left although a connection was free (open loop).
        unsent: planned requests that were never sent.
        queue_peak: the most requests that waited for a connection at once.
        busy_mean: requests in flight on the mean, for Little's law; None in open loop.
        starved_s: time in which the generator should have run and did not.
        bottleneck: whether the generator, not the service, was the limit.
    """

    cpu_s: float
    cpu_share: float
    lateness_us: Quantiles | None
    unsent: int
    queue_peak: int
    busy_mean: float | None
    starved_s: float
    bottleneck: bool


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether the figures of a trial mean what they say.

    Attributes:
        reasons: one sentence each; empty if valid.
    """

    status: Literal["valid", "invalid"] = "valid"
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, reasons: tuple[str, ...]) -> Validity:
        """Valid without reasons, invalid with some."""
        return cls("invalid" if reasons else "valid", reasons)


def unanswered(ok: int, failed: int, timed_out: int, in_flight: int) -> str:
    """The reason, in the engine's words, why so few answers make no figure; empty if they do."""
    bad, ended = failed + timed_out, ok + failed + timed_out
    if not ended and not in_flight:
        return "nothing was sent"
    if not ok:
        return (
            f"errors dominate: no request succeeded; {failed} failed, {timed_out} timed out, "
            f"{in_flight} had no answer"
        )
    if 2 * bad > ended:
        return f"errors dominate: {bad} of {ended} requests failed or timed out"
    return ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of time in which requests were in flight and none ended.

    Attributes:
        from_s: when the longest such stretch began.
        longest_s: how long it was.
        until_end: whether it lasted to the end of the load.
    """

    from_s: float
    longest_s: float
    until_end: bool = False


@dataclass(frozen=True, slots=True)
class ErrorSample:
    """Errors of one kind, grouped, with the first one as an example.

    Attributes:
        kind: an :data:`ErrorKind`, or a status code as text (``"500"``).
        count: how many there were.
        first_s, last_s: when the first and the last came.
        sample: the first one's text: the system's message or the start of the body.
    """

    kind: str
    count: int
    first_s: float
    last_s: float
    sample: str


@dataclass(frozen=True, slots=True)
class RequestResult:
    """The share of one kind of request in the result."""

    name: str
    ok: int
    failed: int
    timed_out: int
    service_time_us: Quantiles | None


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of the load. Endings count where they happened, starts likewise.

    Attributes:
        in_flight: requests in flight at the interval's end.
        queued: requests waiting for a connection at the interval's end.
        busy_mean: requests in flight on the mean, by the recorded stamps (Little's law).
        service_histogram, response_histogram: HdrHistogram V2 compressed, base64, or None.
    """

    start_s: float
    end_s: float
    warmup: bool
    planned: int | None
    started: int
    ok: int
    failed: int
    timed_out: int
    in_flight: int
    queued: int
    busy_mean: float
    bytes_in: int
    bytes_out: int
    status: Mapping[str, int]
    errors: Mapping[str, int]
    service_time_us: Quantiles | None
    response_time_us: Quantiles | None
    service_histogram: str | None = None
    response_histogram: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent's part in a load that several sent, and its own health.

    Attributes:
        number: from 0, as the plan was split.
        node: the machine it ran on, by address or name.
        share: the part of the whole load that it was to send.
        late_s: how much later than the first agent it began, by the measured clock offset.
        clock_error_s: the bound on that offset's error.
        planned, started, ok, failed, timed_out: its own counts; of a lost agent what was last
            heard of it, warm-up included, which is not part of the result's counts.
        cpu_share, late_p99_us, unsent, bottleneck: see :class:`Generator`; None of a lost one.
        lost_s: when it was last heard of, if it was lost: the load lacks its share from there.
    """

    number: int
    node: str
    share: float
    late_s: float
    clock_error_s: float
    planned: int | None
    started: int
    ok: int
    failed: int
    timed_out: int
    cpu_share: float | None
    late_p99_us: float | None
    unsent: int | None
    bottleneck: bool | None
    lost_s: float | None = None


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of a load. ``started = ok + failed + timed_out + in_flight``, always.

    Attributes:
        planned: requests whose instant came (open loop), or None in closed loop.
        carried_in: how many of ``started`` were in flight when the warm-up ended.
        started: requests that were begun: sent, or failed while connecting for them.
        sent: requests of which at least one byte was written.
        ok: whole responses with an expected status.
        failed: unexpected status, broken response, or broken connection.
        timed_out: given up after the plan's timeouts.
        in_flight: without an answer when the load ended.
        in_flight_oldest_s: the age of the oldest of those, or None.
        duration_s: the measured time, warm-up excluded.
        throughput_rps: ``ok / duration_s``.
        service_time_us: from the actual send, of successful requests, and of timed-out ones
            with the time that was waited: leaving those out would flatter a hanging server.
        response_time_us: from the planned instant; None in closed loop.
        error_time_us: service time of failed requests, kept apart.
        status: responses by class (``"2xx"``); ``status_codes`` by code.
        errors: transport errors by kind.
        error_samples: errors and unexpected statuses, grouped.
        silence: the longest stretch without an ending, if it lasted 1 s or more.
        notes: codes of what a reader should know, such as ``keep-alive-off``.
        started_monotonic_ns: the instant of the load's start on this machine's CLOCK_MONOTONIC,
            by which what others saw meanwhile is put on the load's clock.
        agents: who sent it, if not this machine alone.
    """

    planned: int | None
    carried_in: int
    started: int
    sent: int
    ok: int
    failed: int
    timed_out: int
    in_flight: int
    in_flight_oldest_s: float | None
    duration_s: float
    throughput_rps: float
    service_time_us: Quantiles | None
    response_time_us: Quantiles | None
    connect_us: Quantiles | None
    first_byte_us: Quantiles | None
    error_time_us: Quantiles | None
    status: Mapping[str, int]
    status_codes: Mapping[str, int]
    errors: Mapping[str, int]
    error_samples: tuple[ErrorSample, ...]
    bytes_in: int
    bytes_out: int
    connections: Connections
    generator: Generator
    validity: Validity
    silence: Silence | None
    notes: tuple[str, ...]
    by_request: tuple[RequestResult, ...]
    intervals: tuple[Interval, ...]
    histograms: Histograms
    started_monotonic_ns: int | None = None
    agents: tuple[Agent, ...] = field(default=(), metadata=LATER)


class Interrupted(KeyboardInterrupt):
    """A load was ended by Ctrl-C.

    Attributes:
        result: what was measured until then.
    """

    def __init__(self, result: LoadResult) -> None:
        super().__init__("the load was interrupted")
        self.result = result


@dataclass(frozen=True, slots=True)
class Progress:
    """A glance at a running load, cheap enough to take ten times a second.

    Attributes:
        elapsed_s: since the load began.
        ok, failed, timed_out, in_flight: so far, warm-up included.
        rate_rps: successful responses per second over about the last second.
        p50_us, p99_us: of service time over about the last second; None without responses.
        warmup: whether the warm-up still lasts.
    """

    elapsed_s: float
    ok: int
    failed: int
    timed_out: int
    in_flight: int
    rate_rps: float
    p50_us: float | None
    p99_us: float | None
    warmup: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One observed quantity over time, on the load's clock.

    Attributes:
        unit: of the values, in the field's usual spelling (``ms``, ``1``, ``bytes``).
        t_s: instants, seconds since the load began.
        value: one per instant; None where nothing was seen.
    """

    unit: str
    t_s: tuple[float, ...]
    value: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """What an observer saw that is no number over time, or why it could not see.

    Attributes:
        observer: who saw it: ``process``, ``postgres``, ``probe`` …
        kind: ``note`` (what could not be seen, and why), ``setting``, ``statement``, ``event``,
            ``stacks``, or an event's own name.
        text: for a person, in one sentence.
        at_s: when, in seconds since the load began; None if it holds for the whole trial.
        data: the same for a program; JSON data.
    """

    observer: str
    kind: str
    text: str
    at_s: float | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceExit:
    """How the service under test ended during a trial, if it did.

    Attributes:
        status: the exit status; negative for a signal; None if it lives.
        log_tail: the last lines of its log.
    """

    status: int | None
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything one trial left.

    Attributes:
        started: when, as UTC in ISO 8601.
        result: the load's result, or None if no load was run.
        validity: of the whole trial: the load's reasons and those of its surroundings.
        hang: set if answers stopped for long and did not resume; see
            :func:`syncline.hang.hang_of`.
        series: by name.
        service: the state of the service after the load.
        environment: what the trial ran on, as it differs from the run's.
        observations: what observers saw beside the series, and what they could not see.
        profiles: what a trial of the phase ``profile`` was run for; no other has any.
    """

    started: str
    result: LoadResult | None
    validity: Validity
    hang: Silence | None
    series: Mapping[str, Series] = field(default_factory=dict)
    service: ServiceExit = field(default_factory=lambda: ServiceExit(None))
    environment: Mapping[str, str] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    profiles: tuple[Profile, ...] = ()
