"""What the load engine counted over time, as series beside those of the observers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncline.outcome import Interval, Outcome, Quantiles, Series


def all_series(outcome: Outcome) -> Mapping[str, Series]:
    """The observed series of a trial, and those of its load: ``load.throughput_rps`` and so on.

    A rate's instant is the end of its interval.
    """
    return {**outcome.series, **_of_load(outcome)}


def _of_load(outcome: Outcome) -> dict[str, Series]:
    intervals = outcome.result.intervals if outcome.result else ()
    if not intervals:
        return {}
    ends = tuple(one.end_s for one in intervals)
    return {
        name: Series(unit, ends, tuple(value(one) for one in intervals))
        for name, (unit, value) in _QUANTITIES.items()
    }


def _per_s(count: Callable[[Interval], int]) -> Callable[[Interval], float | None]:
    def rate(one: Interval) -> float | None:
        length = one.end_s - one.start_s
        return count(one) / length if length > 0 else None

    return rate


def _time(name: str) -> Callable[[Interval], float | None]:
    def quantile(one: Interval) -> float | None:
        times: Quantiles | None = one.response_time_us or one.service_time_us
        return None if times is None else float(getattr(times, name))

    return quantile


_QUANTITIES: Mapping[str, tuple[str, Callable[[Interval], float | None]]] = {
    "load.throughput_rps": ("1/s", _per_s(lambda one: one.ok)),
    "load.errors_rps": ("1/s", _per_s(lambda one: one.failed + one.timed_out)),
    "load.in_flight": ("1", lambda one: float(one.in_flight)),
    "load.p50_us": ("us", _time("p50")),
    "load.p99_us": ("us", _time("p99")),
}
