"""The Universal Scalability Law is fitted as published, and knows what it does not know."""

from __future__ import annotations

import random

import pytest

from syncline.usl import Usl, fit

# SPEC SDM91 on a Sun SPARCcenter 2000, and the parameters that the R package usl (S. Moeding)
# publishes for it: gamma 89.995, sigma 0.02773, kappa 0.0001044, the peak at 96.5.
SDM91 = (
    (1, 64.9),
    (18, 995.9),
    (36, 1652.4),
    (72, 1853.2),
    (108, 1828.9),
    (144, 1775.0),
    (216, 1702.2),
)
LEVELS = (1, 2, 4, 8, 16, 32, 64)


def law(points: object) -> Usl:
    found = fit(points)  # type: ignore[arg-type]
    assert found is not None
    return found


def points_of(one: float, contention: float, coherency: float) -> list[tuple[float, float]]:
    return [(n, one * n / (1 + contention * (n - 1) + coherency * n * (n - 1))) for n in LEVELS]


def test_the_published_parameters_are_found() -> None:
    found = law(SDM91)
    assert found.one_rps == pytest.approx(89.995, rel=1e-4)
    assert found.contention == pytest.approx(0.02773, rel=1e-3)
    assert found.coherency == pytest.approx(0.0001044, rel=1e-3)
    assert found.peak_level == pytest.approx(96.5, abs=0.1)
    assert found.fits
    for value, (low, high) in (
        (found.one_rps, found.one_interval),
        (found.contention, found.contention_interval),
        (found.coherency, found.coherency_interval),
    ):
        assert low < value < high


@pytest.mark.parametrize(
    ("contention", "coherency"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.002), (0.05, 0.001), (1.0, 0.0)]
)
def test_points_on_the_law_give_its_parameters_back(contention: float, coherency: float) -> None:
    found = law(points_of(100.0, contention, coherency))
    assert found.one_rps == pytest.approx(100, rel=1e-5)
    assert found.contention == pytest.approx(contention, abs=1e-6)
    assert found.coherency == pytest.approx(coherency, abs=1e-6)
    assert (found.peak_level is None) == (coherency == 0)


def test_no_parameter_is_negative_though_a_free_fit_would_have_it_so() -> None:
    rising = [(n, 100 * n**1.1) for n in LEVELS]
    found = law(rising)
    assert found.contention == 0
    assert found.coherency == 0
    assert found.knee is None


def test_a_curve_that_only_flattens_has_a_knee_and_no_peak() -> None:
    found = law(points_of(100.0, 0.1, 0.0))
    assert found.peak_level is None
    assert found.peak_rps == pytest.approx(1000, rel=1e-4)
    assert found.knee == pytest.approx(10, rel=1e-4)


def test_intervals_hold_the_truth_of_noisy_points() -> None:
    held = 0
    for seed in range(20):
        chance = random.Random(seed)
        noisy = [(n, x * chance.gauss(1, 0.03)) for n, x in points_of(100.0, 0.05, 0.001)]
        low, high = law(noisy).contention_interval
        held += low <= 0.05 <= high
    assert held >= 17


def test_points_that_are_of_no_such_law_are_said_not_to_fit() -> None:
    saw = [(n, 1000.0 if number % 2 else 200.0) for number, n in enumerate(LEVELS)]
    assert not law(saw).fits


@pytest.mark.parametrize(
    "points", [[], [(1, 10.0), (2, 20.0), (4, 30.0)], [(1, 5.0)] * 9, [(n, 0.0) for n in LEVELS]]
)
def test_too_few_points_give_no_law(points: list[tuple[float, float]]) -> None:
    assert fit(points) is None
