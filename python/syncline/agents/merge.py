"""Agents' results as one: addition, as the engine does with its threads' records.

Counts add up. Histograms have one precision, so that adding them bucket by bucket gives what one
recorder would have recorded. What a result tells by summary only cannot be added and is bounded
or left out: see :func:`_connections`, :func:`_silence` and :func:`_by_request`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from syncline._engine import Histogram
from syncline.agents.align import merge_intervals
from syncline.agents.histograms import add_encoded, quantiles
from syncline.agents.verdict import notes, validity
from syncline.errors import MeasurementError
from syncline.outcome import (
    Agent,
    Connections,
    ErrorSample,
    Generator,
    Histograms,
    LoadResult,
    Quantiles,
    RequestResult,
    Silence,
)

Number = TypeVar("Number", int, float)

# As the engine: silence shorter than this is not worth a word, and this many kinds of errors
# are kept apart.
_SILENCE_S = 1.0
_ERROR_KINDS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One agent's result.

    Attributes:
        agent: the agent, as far as the result does not tell about it.
        start_ns: when its load began, on the driver's monotonic clock.
    """

    agent: Agent
    start_ns: int
    result: LoadResult


def merge(parts: Sequence[Part], lost: Sequence[Agent] = ()) -> LoadResult:
    """One result of all agents' results.

    Args:
        parts: of the agents that came to their end; in any order.
        lost: the agents that did not. What they did is not in the result, and that makes it
            invalid: the load was not the one that was asked for.

    Raises:
        MeasurementError: there is no part, or they do not fit together.
    """
    if not parts:
        raise MeasurementError("All agents were lost; nothing of the load is known.")
    parts = sorted(parts, key=lambda part: part.agent.number)
    results = [part.result for part in parts]
    units = {result.histograms.unit_ns for result in results}
    if len(units) > 1:
        raise MeasurementError(f"Agents recorded in different units ({units} ns).")
    begun_ns = min(part.start_ns for part in parts)
    shifts_s = [(part.start_ns - begun_ns) / 1e9 for part in parts]
    histograms, totals = _histograms(results, units.pop())
    agents = tuple(sorted((*map(_seen, parts, shifts_s), *lost), key=lambda agent: agent.number))
    ok = sum(result.ok for result in results)
    duration_s = max(s + result.duration_s for s, result in zip(shifts_s, results, strict=True))
    return LoadResult(
        planned=_known(result.planned for result in results),
        carried_in=sum(result.carried_in for result in results),
        started=sum(result.started for result in results),
        sent=sum(result.sent for result in results),
        ok=ok,
        failed=sum(result.failed for result in results),
        timed_out=sum(result.timed_out for result in results),
        in_flight=sum(result.in_flight for result in results),
        in_flight_oldest_s=max(
            _some(result.in_flight_oldest_s for result in results), default=None
        ),
        duration_s=duration_s,
        throughput_rps=ok / duration_s if duration_s > 0 else 0.0,
        service_time_us=totals["service_time"],
        response_time_us=totals["response_time"],
        connect_us=totals["connect"],
        first_byte_us=totals["first_byte"],
        error_time_us=totals["error_time"],
        status=_counts(result.status for result in results),
        status_codes=_counts(result.status_codes for result in results),
        errors=_counts(result.errors for result in results),
        error_samples=_samples(results, shifts_s),
        bytes_in=sum(result.bytes_in for result in results),
        bytes_out=sum(result.bytes_out for result in results),
        connections=_connections([result.connections for result in results]),
        generator=replace(
            _generator([result.generator for result in results]), lateness_us=totals["lateness"]
        ),
        validity=validity([(part.agent, part.result) for part in parts], agents),
        silence=_silence(results, shifts_s),
        notes=notes(results, lost),
        by_request=_by_request(results, totals["service_time"]),
        intervals=merge_intervals(
            [(s, result.intervals) for s, result in zip(shifts_s, results, strict=True)],
            histograms.unit_ns,
        ),
        histograms=histograms,
        started_monotonic_ns=begun_ns,
        agents=agents,
    )


def _histograms(
    results: Sequence[LoadResult], unit_ns: int
) -> tuple[Histograms, dict[str, Quantiles | None]]:
    names = [field.name for field in fields(Histograms) if field.name != "unit_ns"]
    sums: dict[str, Histogram | None] = {
        name: add_encoded(getattr(result.histograms, name) for result in results) for name in names
    }
    encoded = {name: None if one is None else one.encode() for name, one in sums.items()}
    totals = {name: quantiles(one, unit_ns) for name, one in sums.items()}
    return Histograms(unit_ns, **encoded), totals


def _seen(part: Part, shift_s: float) -> Agent:
    result, own = part.result, part.result.generator
    return replace(
        part.agent,
        late_s=shift_s,
        planned=result.planned,
        started=result.started,
        ok=result.ok,
        failed=result.failed,
        timed_out=result.timed_out,
        cpu_share=own.cpu_share,
        late_p99_us=None if own.lateness_us is None else own.lateness_us.p99,
        unsent=own.unsent,
        bottleneck=own.bottleneck,
    )


def _known(values: Iterable[int | None]) -> int | None:
    """The sum, or None if one is not known."""
    numbers = list(values)
    return None if None in numbers else sum(_some(numbers))


def _some(values: Iterable[Number | None]) -> list[Number]:
    return [value for value in values if value is not None]


def _counts(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in many:
        total.update(one)
    return dict(sorted(total.items()))


def _samples(results: Sequence[LoadResult], shifts_s: Sequence[float]) -> tuple[ErrorSample, ...]:
    known: dict[str, ErrorSample] = {}
    for shift_s, result in zip(shifts_s, results, strict=True):
        for found in result.error_samples:
            one = replace(found, first_s=found.first_s + shift_s, last_s=found.last_s + shift_s)
            other = known.setdefault(one.kind, one)
            if other is not one:
                first = min(other, one, key=lambda sample: sample.first_s)
                known[one.kind] = replace(
                    first, count=other.count + one.count, last_s=max(other.last_s, one.last_s)
                )
    return tuple(known[kind] for kind in sorted(known))[:_ERROR_KINDS]


def _connections(many: Sequence[Connections]) -> Connections:
    """All exact but the median, which is the agents' medians' weighted by their connections."""

    def total(of: Callable[[Connections], int]) -> int:
        return sum(map(of, many))

    asked = total(lambda one: one.asked)
    reached, median = 0, 0
    for one in sorted(many, key=lambda one: one.requests_median):
        reached, median = reached + one.asked, one.requests_median
        if 2 * reached > asked:
            break
    return Connections(
        asked=asked,
        opened=total(lambda one: one.opened),
        failed=total(lambda one: one.failed),
        never_served=total(lambda one: one.never_served),
        requests_min=min(one.requests_min for one in many),
        requests_median=median,
        requests_max=max(one.requests_max for one in many),
    )


def _generator(many: Sequence[Generator]) -> Generator:
    busy = [one.busy_mean for one in many]
    return Generator(
        cpu_s=sum(one.cpu_s for one in many),
        cpu_share=max(one.cpu_share for one in many),
        lateness_us=None,
        unsent=sum(one.unsent for one in many),
        queue_peak=sum(one.queue_peak for one in many),
        busy_mean=None if None in busy else sum(_some(busy)),
        starved_s=sum(one.starved_s for one in many),
        bottleneck=any(one.bottleneck for one in many),
    )


def _silence(results: Sequence[LoadResult], shifts_s: Sequence[float]) -> Silence | None:
    """The stretch in which every agent was silent.

    Each result tells its longest silence only, so this is a lower bound: shorter stretches that
    all agents shared may be missed, none is invented.
    """
    silences = [
        (found.from_s + shift_s, found.from_s + found.longest_s + shift_s, found.until_end)
        for shift_s, found in zip(shifts_s, (result.silence for result in results), strict=True)
        if found is not None
    ]
    if len(silences) < len(results):
        return None
    from_s = max(start for start, _, _ in silences)
    length_s = min(end for _, end, _ in silences) - from_s
    if length_s < _SILENCE_S:
        return None
    return Silence(from_s, length_s, all(until_end for _, _, until_end in silences))


def _by_request(
    results: Sequence[LoadResult], whole: Quantiles | None
) -> tuple[RequestResult, ...]:
    """Counts by kind of request; its times only where it is the only kind or one agent sent.

    Results carry no histogram by kind, and summaries do not add up.
    """
    columns = list(zip(*(result.by_request for result in results), strict=False))
    return tuple(
        RequestResult(
            name=column[0].name,
            ok=sum(one.ok for one in column),
            failed=sum(one.failed for one in column),
            timed_out=sum(one.timed_out for one in column),
            service_time_us=column[0].service_time_us
            if len(column) == 1
            else (whole if len(columns) == 1 else None),
        )
        for column in columns
    )
