"""Values for tests with sensible defaults: name only what the test is about."""

from __future__ import annotations

import base64
import math
import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from syncline.outcome import (
    Connections,
    ErrorSample,
    Generator,
    Histograms,
    Interval,
    LoadResult,
    Outcome,
    Progress,
    Quantiles,
    Silence,
    Validity,
)
from syncline.record import Environment, RunRecord
from syncline.trial import Case, Experiment, Load, Published, Trial, Variant

UNIT_NS = 1000
STARTED = "2026-01-02T03:04:05Z"


def latencies_us(
    count: int = 20_000, median: float = 2300.0, spread: float = 0.4, seed: int = 1
) -> list[int]:
    """Log-normal latencies, the shape that services have."""
    chance = random.Random(seed)
    return [max(1, round(chance.lognormvariate(math.log(median), spread))) for _ in range(count)]


def quantiles(values: Iterable[float] = (), **changes: Any) -> Quantiles:
    """The summary of some values; of 1,000 responses around 2.3 ms by default."""
    ranked = sorted(values) or sorted(latencies_us(1000))
    mean = sum(ranked) / len(ranked)

    def at(share: float) -> float:
        return float(ranked[max(0, math.ceil(share * len(ranked)) - 1)])

    summary = Quantiles(
        count=len(ranked),
        min=float(ranked[0]),
        mean=mean,
        stdev=math.sqrt(sum((value - mean) ** 2 for value in ranked) / len(ranked)),
        p50=at(0.5),
        p75=at(0.75),
        p90=at(0.9),
        p95=at(0.95),
        p99=at(0.99),
        p99_9=at(0.999),
        max=float(ranked[-1]),
    )
    return replace(summary, **changes)


def encoded_histogram(values: Iterable[int]) -> str:
    """Whole units in HdrHistogram V2 compressed form, base64: an independent writer."""
    counts = Counter(_index(value) for value in values)
    body = b"".join(_varint(step) for step in _steps(counts))
    head = struct.pack(">IIIIQQd", 0x1C849313, len(body), 0, 3, 1, 3_600_000_000_000, 1.0)
    packed = zlib.compress(head + body)
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()


def load_result(**changes: Any) -> LoadResult:
    """A good closed loop of 5 s over 64 connections; name what is different."""
    values = changes.pop("latencies", None) or latencies_us()
    service = quantiles(values)
    ok = len(values)
    result = LoadResult(
        planned=None,
        carried_in=0,
        started=ok + 64,
        sent=ok + 64,
        ok=ok,
        failed=0,
        timed_out=0,
        in_flight=64,
        in_flight_oldest_s=0.002,
        duration_s=5.0,
        throughput_rps=ok / 5.0,
        service_time_us=service,
        response_time_us=None,
        connect_us=quantiles([90, 110, 120, 180]),
        first_byte_us=service,
        error_time_us=None,
        status={"2xx": ok},
        status_codes={"200": ok},
        errors={},
        error_samples=(),
        bytes_in=ok * 180,
        bytes_out=ok * 60,
        connections=Connections(64, 64, 0, 0, ok // 64 - 9, ok // 64, ok // 64 + 8),
        generator=Generator(
            cpu_s=1.2,
            cpu_share=0.24,
            lateness_us=None,
            unsent=0,
            queue_peak=0,
            busy_mean=63.9,
            starved_s=0.0,
            bottleneck=False,
        ),
        validity=Validity(),
        silence=None,
        notes=(),
        by_request=(),
        intervals=tuple(interval(start, ok // 5, service) for start in range(5)),
        histograms=Histograms(UNIT_NS, service_time=encoded_histogram(values)),
    )
    return replace(result, **changes)


def interval(start_s: float, ok: int, service: Quantiles | None = None, **changes: Any) -> Interval:
    """One second with ``ok`` answers."""
    value = Interval(
        start_s=float(start_s),
        end_s=start_s + 1.0,
        warmup=False,
        planned=None,
        started=ok,
        ok=ok,
        failed=0,
        timed_out=0,
        in_flight=64,
        queued=0,
        busy_mean=0.0,
        bytes_in=ok * 180,
        bytes_out=ok * 60,
        status={"2xx": ok},
        errors={},
        service_time_us=service,
        response_time_us=None,
        service_histogram=encoded_histogram(latencies_us(200, seed=int(start_s))),
    )
    return replace(value, **changes)


def hung_result(**changes: Any) -> LoadResult:
    """200 connections of which none was answered after 0.4 s, to the end at 2 s."""
    defaults: dict[str, Any] = {
        "latencies": latencies_us(30),
        "started": 233,
        "sent": 233,
        "timed_out": 3,
        "in_flight": 200,
        "in_flight_oldest_s": 1.6,
        "duration_s": 2.0,
        "throughput_rps": 15.0,
        "errors": {"response-timeout": 3},
        "error_samples": (ErrorSample("response-timeout", 3, 1.9, 2.0, "no answer for 1.5 s"),),
        "silence": Silence(0.4, 1.6, until_end=True),
    }
    return load_result(**(defaults | changes))


def dead_result(**changes: Any) -> LoadResult:
    """Nothing was ever answered: no figure of latency exists."""
    defaults: dict[str, Any] = {
        "started": 64,
        "sent": 64,
        "ok": 0,
        "throughput_rps": 0.0,
        "service_time_us": None,
        "first_byte_us": None,
        "status": {},
        "status_codes": {},
        "bytes_in": 0,
        "connections": Connections(64, 64, 0, 64, 0, 0, 0),
        "silence": Silence(0.0, 5.0, until_end=True),
        "validity": Validity.of(("nothing was answered",)),
        "intervals": tuple(interval(s, 0, service_histogram=None) for s in range(5)),
        "histograms": Histograms(UNIT_NS),
    }
    return load_result(**(defaults | changes))


def outcome(result: LoadResult | None = None, **changes: Any) -> Outcome:
    """What a trial left; its hang is the result's silence if that lasted to the end."""
    result = result or load_result()
    silence = result.silence
    hang = silence if silence is not None and silence.until_end else None
    return replace(Outcome(STARTED, result, result.validity, hang), **changes)


def case(**changes: Any) -> Case:
    """A case with two variants, levels 1 and 48, and an original in which ``sync`` hung."""
    value = Case(
        name="users",
        title="Users over HTTP",
        question="Is async faster?",
        variants=(Variant("sync", app="a:b"), Variant("async", app="c:d")),
        default_variants=("sync", "async"),
        loads=(Load(1, 2.0), Load(48, 2.0)),
        quick_loads=(Load(1, 1.0),),
        published=(
            Published("sync", 1, throughput_rps=70.55, mean_ms=17.95),
            Published("async", 1, throughput_rps=83.67, mean_ms=16.78),
            Published("sync", 48, throughput_rps=0.0, note="hang"),
            Published("async", 48, throughput_rps=823.63, mean_ms=58.09),
        ),
        source="an article by the original author",
    )
    return replace(value, **changes)


def run_record(
    results: Mapping[tuple[str, int], LoadResult | Outcome] | None = None, **changes: Any
) -> RunRecord:
    """A run of :func:`case`; results by (variant, connections), each 2 s of reading."""
    asked = changes.pop("case", None) or case()
    given = results or {
        ("sync", 1): with_rate(70.0),
        ("async", 1): with_rate(84.0),
        ("sync", 48): hung_result(),
        ("async", 48): with_rate(800.0),
    }
    trials = tuple(
        (
            Trial(asked.name, asked.variant(variant), Load(connections, 2.0)),
            value if isinstance(value, Outcome) else outcome(value),
        )
        for (variant, connections), value in given.items()
    )
    record = RunRecord(
        id="20260102T030405-abcd",
        case=asked,
        purpose="compare sync, async over 2 loads",
        status="finished",
        started=STARTED,
        ended="2026-01-02T03:05:05Z",
        command_line=("syncline", "run", "users"),
        environment=Environment("0.1.0", "CPython 3.11.2", "Linux x86_64", "6.1", "a CPU", 2, None),
        planned=tuple(trial for trial, _ in trials),
        trials=trials,
    )
    return replace(record, **changes)


def experiment(record: RunRecord) -> Experiment:
    """The experiment that a record is of."""
    return Experiment(record.case.name, record.purpose, record.planned)


def with_rate(rps: float, **changes: Any) -> LoadResult:
    """A good result of that many responses per second over 2 s."""
    values = latencies_us(max(1, round(rps * 2)))
    return load_result(latencies=values, duration_s=2.0, throughput_rps=rps, **changes)


def progress(**changes: Any) -> Progress:
    """A glance 1 s into a good load."""
    value = Progress(1.0, 4000, 0, 0, 64, 4000.0, 2300.0, 6100.0, warmup=False)
    return replace(value, **changes)


def _index(value: int) -> int:
    bucket = max(0, value.bit_length() - 11)
    return (bucket << 10) + (value >> bucket)


def _steps(counts: Mapping[int, int]) -> Iterable[int]:
    empty = 0
    for index in range(max(counts, default=-1) + 1):
        if index not in counts:
            empty += 1
            continue
        if empty:
            yield -empty
            empty = 0
        yield counts[index]


def _varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)
