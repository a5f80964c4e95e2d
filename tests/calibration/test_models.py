"""The measures that the suite measures with, held against figures known from elsewhere."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from .hdr import decode, merged
from .models import Stall, mean, per_bin, quantile, rate_of, response_times_by_truth, stdev
from .servers.truth import Served, Truth


@pytest.mark.parametrize(
    ("connections", "expected_ms"),
    [(64, (32.4, 46, 276, 461, 503, 505)), (5000, (30.6, 11, 261, 461, 503, 505))],
)
def test_the_closed_form_gives_the_published_figures_of_a_stalling_server(
    connections: int, expected_ms: tuple[float, ...]
) -> None:
    freezes = tuple((2.5 + 5 * k, 3.0 + 5 * k) for k in range(3))
    times = Stall(1000, 15, connections, 0.005, freezes).response_times_s()
    said = (mean(times), *(quantile(times, q) for q in (0.9, 0.95, 0.99, 0.999, 1)))
    assert [value * 1000 for value in said] == pytest.approx(expected_ms, abs=0.05)


def test_without_a_freeze_every_response_takes_the_service_time() -> None:
    times = Stall(1000, 1, 64, 0.005, ()).response_times_s()
    assert times == pytest.approx([0.005] * len(times))
    assert len(times) == 995 + 1


def test_too_few_connections_make_a_line_that_grows() -> None:
    times = Stall(1000, 1, 1, 0.005, ()).response_times_s()
    assert times[:150] == pytest.approx([0.005 + 0.004 * k for k in range(150)])


def test_the_server_s_truth_counts_from_the_planned_instant() -> None:
    late = 70_000_000
    served = tuple(
        Served(0, "GET", "/", at, at, at, at + 5_000_000)
        for at in (1_000_000_000, 1_010_000_000 + late, 1_020_000_000 + late)
    )
    times = response_times_by_truth(Truth((), served, 0, 0), 100)
    assert times == pytest.approx([0.005, 0.075, 0.075])


def test_even_arrivals_have_no_spread_and_bursts_have() -> None:
    even = per_bin(range(0, 10**9, 10**6), 10**7)
    bursts = per_bin((k // 64 * 64 * 10**6 for k in range(1000)), 10**7)
    assert stdev(even) == 0
    assert stdev(bursts) > 20


def test_the_rate_is_exact_though_some_arrivals_are_late() -> None:
    arrivals = [k * 1_003_000 for k in range(2000)]
    late = [at + 40_000_000 if k < 30 or 500 < k < 540 else at for k, at in enumerate(arrivals)]
    assert rate_of(late) == pytest.approx(1e9 / 1_003_000, rel=1e-6)


def test_the_reader_of_histograms_places_values_in_their_buckets() -> None:
    # Index 5 once, then 2043 empty ones, then index 2049 twice: values 5 and 2050..2051.
    payload = _zigzag(-5) + _zigzag(1) + _zigzag(-2043) + _zigzag(2)
    plain = struct.pack(">IIiiqqd", 0x1C849313, len(payload), 0, 3, 1, 1 << 40, 1.0) + payload
    packed = zlib.compress(plain)
    text = base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()
    histogram = decode(text)
    assert histogram.buckets == ((5, 5, 1), (2050, 2051, 2))
    assert merged([histogram, histogram]).count == 2 * histogram.count == 6
    assert histogram.bucket_of(0.3) == (5, 5)
    assert histogram.bucket_of(0.5) == (2050, 2051)


def _zigzag(value: int) -> bytes:
    coded = value * 2 if value >= 0 else -value * 2 - 1
    out = bytearray()
    while coded >= 0x80:
        out.append(coded & 0x7F | 0x80)
        coded >>= 7
    return bytes([*out, coded])
