"""Adding encoded histograms, one at a time, so that only their sum stands in memory."""

from __future__ import annotations

from collections.abc import Iterable

from syncline._engine import Histogram
from syncline.errors import MeasurementError
from syncline.outcome import Quantiles

_NS_PER_US = 1e3


def add_encoded(encoded: Iterable[str | None]) -> Histogram | None:
    """The sum, bucket by bucket; None of none.

    Raises:
        MeasurementError: one cannot be read.
    """
    total: Histogram | None = None
    for text in encoded:
        if text is None:
            continue
        try:
            one = Histogram.decode(text)
        except ValueError as error:
            raise MeasurementError(f"An agent's histogram cannot be read: {error}.") from None
        if total is None:
            total = one
        else:
            total.add(one)
    return total


def quantiles(histogram: Histogram | None, unit_ns: int) -> Quantiles | None:
    """What the engine would say of it; None of an empty one."""
    if histogram is None or histogram.count == 0:
        return None

    def us(value: float) -> float:
        return value * unit_ns / _NS_PER_US

    def at(share: float) -> float:
        return us(histogram.quantile(share))

    return Quantiles(
        count=histogram.count,
        min=us(histogram.min),
        mean=us(histogram.mean),
        stdev=us(histogram.stdev),
        p50=at(0.5),
        p75=at(0.75),
        p90=at(0.9),
        p95=at(0.95),
        p99=at(0.99),
        p99_9=at(0.999),
        max=us(histogram.max),
    )
