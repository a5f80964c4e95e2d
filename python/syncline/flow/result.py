"""Helper processes' tallies, merged into what the engine would return, and judged alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from syncline._engine import Histogram
from syncline.flow.tally import TIMES
from syncline.outcome import (
    Connections,
    ErrorSample,
    Generator,
    Histograms,
    Interval,
    LoadResult,
    Quantiles,
    RequestResult,
    Silence,
    Validity,
    unanswered,
)
from syncline.plan import OpenLoop, Plan

_NS = 1e9
# Above this share of a core, users of one process wait for each other at the interpreter's lock
# and what they record is partly their own waiting.
_BUSY_SHARE = 0.8
_LATE_US = 10_000.0
_UNSENT_SHARE = 0.01

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlowCounts:
    """What became of the flows that ended within the measured time.

    Attributes:
        done: went through to their end.
        failed: ended by a step that failed, or by an error of the scenario itself.
        broken: those of ``failed`` that ended by an error of the scenario itself.
        first_error: the first such error and its line.
        duration_us: of those that went through, pauses included.
        cpu_us_per_request: what the helper processes used for each request; the engine needs
            some 10 to 20.
    """

    done: int
    failed: int
    broken: int
    first_error: str | None
    duration_us: Quantiles | None
    cpu_us_per_request: float | None


@dataclass(frozen=True, slots=True)
class FlowResult:
    """A load by flows.

    Attributes:
        load: its requests, as the engine would tell them.
        flows: the flows that they were part of.
        interrupted: it was stopped from outside.
    """

    load: LoadResult
    flows: FlowCounts
    interrupted: bool


def result_of(plan: Plan, parts: Sequence[Data], start_ns: int) -> FlowResult:
    """The result of a load out of its processes' tallies."""
    whole = _sum(part["whole"] for part in parts)
    times = {name: _merged(part["whole"] for part in parts)(name) for name in TIMES}
    is_open = isinstance(plan.schedule, OpenLoop)
    counts: Counter[str] = whole["counts"]
    end_s = max(part["end_ns"] for part in parts) / _NS
    duration_s = max(end_s - plan.warmup_s, 1e-9)
    in_flight = sum(part["in_flight"] for part in parts)
    ended = counts["ok"] + counts["failed"] + counts["timed_out"]
    oldest = [part["oldest_ns"] for part in parts if part["oldest_ns"] is not None]
    unsent = sum(part["unclaimed"] for part in parts)
    cpu_s = sum(part["cpu_s"] for part in parts)
    service = quantiles(times["service_time"])
    share = max(part["cpu_s"] for part in parts) / duration_s
    lateness = quantiles(times["lateness"]) if is_open else None
    reasons = _reasons(counts, in_flight, is_open, share, lateness, unsent, plan)
    flows = _flows(parts, cpu_s, ended)
    if flows.broken and not flows.done:
        reasons = (*reasons, f"no flow went through: {flows.first_error}")
    silence = _silence([part["silences"] for part in parts], end_s)
    interrupted = any(part["interrupted"] for part in parts)
    load = LoadResult(
        planned=counts["planned"] + unsent if is_open else None,
        carried_in=counts["carried_in"] + sum(part["in_flight_carried"] for part in parts),
        started=ended + in_flight,
        sent=counts["sent"] + in_flight,
        ok=counts["ok"],
        failed=counts["failed"],
        timed_out=counts["timed_out"],
        in_flight=in_flight,
        in_flight_oldest_s=max(oldest) / _NS if oldest else None,
        duration_s=duration_s,
        throughput_rps=counts["ok"] / duration_s,
        service_time_us=service,
        response_time_us=quantiles(times["response_time"]) if is_open else None,
        connect_us=quantiles(times["connect"]),
        first_byte_us=quantiles(times["first_byte"]),
        error_time_us=quantiles(times["error_time"]),
        status=_classes(whole["status"]),
        status_codes=dict(sorted(whole["status"].items())),
        errors=dict(sorted(whole["errors"].items())),
        error_samples=_samples(parts),
        bytes_in=counts["bytes_in"],
        bytes_out=counts["bytes_out"],
        connections=_connections(plan, parts),
        generator=Generator(
            cpu_s=cpu_s,
            cpu_share=share,
            lateness_us=lateness,
            unsent=unsent,
            queue_peak=0,
            busy_mean=None if is_open else whole["busy_ns"] / _NS / duration_s,
            starved_s=0.0,
            bottleneck=share > _BUSY_SHARE,
        ),
        validity=Validity.of(reasons),
        silence=silence,
        notes=_notes(share, is_open, interrupted),
        by_request=_by_step(parts),
        intervals=_intervals(plan, parts, end_s, is_open),
        histograms=Histograms(
            unit_ns=1,
            **{
                name: one.encode()
                for name, one in times.items()
                if one.count and (is_open or name not in ("response_time", "lateness"))
            },
        ),
        started_monotonic_ns=start_ns,
    )
    return FlowResult(load, flows, interrupted)


def quantiles(one: Histogram) -> Quantiles | None:
    """The summary of a histogram of nanoseconds; None if it is empty."""
    if not one.count:
        return None
    p50, p75, p90, p95, p99, p99_9 = (
        one.quantile(q) / 1e3 for q in (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    )
    least, most = one.min / 1e3, one.max / 1e3
    mean, stdev = one.mean / 1e3, one.stdev / 1e3
    return Quantiles(one.count, least, mean, stdev, p50, p75, p90, p95, p99, p99_9, most)


def _reasons(
    counts: Counter[str],
    in_flight: int,
    is_open: bool,
    share: float,
    lateness: Quantiles | None,
    unsent: int,
    plan: Plan,
) -> tuple[str, ...]:
    reasons = []
    if is_open and share > _BUSY_SHARE:
        reasons.append(
            f"generator saturated: a helper process used {share:.0%} of a core; more processes "
            "(-t) help as far as there are cores"
        )
    elif lateness is not None and lateness.p99 > _LATE_US:
        reasons.append(
            f"generator saturated: 1 % of the flows began over {lateness.p99 / 1e3:.1f} ms late"
        )
    if is_open and unsent > _UNSENT_SHARE * (counts["planned"] + unsent):
        reasons.append(
            f"schedule not held: {unsent} planned flows were not begun, for want of a free user "
            f"among {plan.connections}"
        )
    bad = unanswered(counts["ok"], counts["failed"], counts["timed_out"], in_flight)
    return (*reasons, bad) if bad else tuple(reasons)


def _notes(share: float, is_open: bool, interrupted: bool) -> tuple[str, ...]:
    bound = share > _BUSY_SHARE and not is_open
    found = (("flow", True), ("generator-bound", bound), ("interrupted", interrupted))
    return tuple(code for code, holds in found if holds)


def _sum(parts: Iterable[Data]) -> Data:
    total: Data = {"counts": Counter(), "status": Counter(), "errors": Counter(), "busy_ns": 0}
    for part in parts:
        for name in ("counts", "status", "errors"):
            total[name].update(part[name])
        total["busy_ns"] += part["busy_ns"]
    return total


def _merged(parts: Iterable[Data]) -> Any:
    held = list(parts)

    def of(name: str) -> Histogram:
        total = Histogram()
        for part in held:
            if name in part["times"]:
                total.add(Histogram.decode(part["times"][name]))
        return total

    return of


def _classes(status: Counter[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for code, count in sorted(status.items()):
        found[f"{code[0]}xx"] += count
    return dict(found)


def _samples(parts: Sequence[Data]) -> tuple[ErrorSample, ...]:
    kinds = sorted({kind for part in parts for kind in part["samples"] if kind != "flow-error"})
    found = []
    for kind in kinds:
        held = [part["samples"][kind] for part in parts if kind in part["samples"]]
        first = min(held, key=lambda one: float(one["first_s"]))
        count = sum(one["count"] for one in held)
        last_s = max(one["last_s"] for one in held)
        found.append(ErrorSample(kind, count, first["first_s"], last_s, first["sample"]))
    return tuple(found)


def _connections(plan: Plan, parts: Sequence[Data]) -> Connections:
    served = sorted(count for part in parts for count in part["served"])
    return Connections(
        asked=plan.connections,
        opened=sum(part["opened"] for part in parts),
        failed=sum(part["failed"] for part in parts),
        never_served=served.count(0),
        requests_min=served[0],
        requests_median=served[len(served) // 2],
        requests_max=served[-1],
    )


def _by_step(parts: Sequence[Data]) -> tuple[RequestResult, ...]:
    names = dict.fromkeys(name for part in parts for name in part["steps"])
    found = []
    for name in names:
        held = [part["steps"][name] for part in parts if name in part["steps"]]
        counts = _sum(held)["counts"]
        times = quantiles(_merged(held)("service_time"))
        found.append(
            RequestResult(name, counts["ok"], counts["failed"], counts["timed_out"], times)
        )
    return tuple(found)


def _intervals(
    plan: Plan, parts: Sequence[Data], end_s: float, is_open: bool
) -> tuple[Interval, ...]:
    found: list[Interval] = []
    in_flight, start_s = 0, 0.0
    for index in range(int(end_s / plan.interval_s) + 1):
        start_s = index * plan.interval_s
        if end_s - start_s < 1e-3:
            break
        held = [p["intervals"][str(index)] for p in parts if str(index) in p["intervals"]]
        total, times = _sum(held), _merged(held)
        counts = total["counts"]
        in_flight += counts["started"] - counts["ok"] - counts["failed"] - counts["timed_out"]
        stop_s = min(end_s, start_s + plan.interval_s)
        service, response = times("service_time"), times("response_time")
        found.append(
            Interval(
                start_s=start_s,
                end_s=stop_s,
                warmup=start_s < plan.warmup_s,
                planned=counts["planned"] if is_open else None,
                started=counts["started"],
                ok=counts["ok"],
                failed=counts["failed"],
                timed_out=counts["timed_out"],
                in_flight=in_flight,
                queued=0,
                busy_mean=total["busy_ns"] / _NS / (stop_s - start_s),
                bytes_in=counts["bytes_in"],
                bytes_out=counts["bytes_out"],
                status=_classes(total["status"]),
                errors=dict(sorted(total["errors"].items())),
                service_time_us=quantiles(service),
                response_time_us=quantiles(response) if is_open else None,
                service_histogram=service.encode() if service.count else None,
                response_histogram=response.encode() if is_open and response.count else None,
            )
        )
    return tuple(found)


def _silence(parts: Sequence[Sequence[tuple[int, int]]], end_s: float) -> Silence | None:
    """The longest stretch in which every process was silent."""
    common = [(float(a), float(b)) for a, b in parts[0]]
    for other in parts[1:]:
        common = [
            (max(a, c), min(b, d)) for a, b in common for c, d in other if min(b, d) > max(a, c)
        ]
    longest = max(common, key=lambda one: one[1] - one[0], default=None)
    if longest is None or longest[1] - longest[0] < _NS:
        return None
    until_end = longest[1] / _NS > end_s - 0.01
    return Silence(longest[0] / _NS, (longest[1] - longest[0]) / _NS, until_end)


def _flows(parts: Sequence[Data], cpu_s: float, ended: int) -> FlowCounts:
    total = _sum(part["flow"] for part in parts)["counts"]
    broken = [part["samples"]["flow-error"] for part in parts if "flow-error" in part["samples"]]
    first = min(broken, key=lambda one: float(one["first_s"]), default=None)
    return FlowCounts(
        done=total["done"],
        failed=total["failed"],
        broken=total["broken"],
        first_error=first["sample"] if first else None,
        duration_us=quantiles(_merged(part["flow"] for part in parts)("duration")),
        cpu_us_per_request=cpu_s * 1e6 / ended if ended else None,
    )
