"""Ratios, intervals and verdicts hold what they promise."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from syncline.outcome import Outcome, Series
from syncline.plan import constant_rate
from syncline.record import Comparison
from syncline.stats import compare, paired_ratio, rates, settling
from syncline.stats.blocks import block_figures, block_interval
from syncline.stats.student import t_cdf, t_quantile
from syncline.stats.words import percent
from syncline.trial import Load, Trial, Variant
from tests.unit.factories import interval, load_result, outcome, quantiles, with_rate


@pytest.mark.parametrize(
    ("probability", "degrees", "t"),
    [
        # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, critical values of t.
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 9, 2.262),
        (0.975, 30, 2.042),
        (0.975, 100, 1.984),
        (0.90, 5, 1.476),
        (0.999, 10, 4.144),
        (0.995, 60, 2.660),
    ],
)
def test_students_quantiles_are_those_of_the_tables(
    probability: float, degrees: int, t: float
) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(t, abs=6e-4)
    assert t_cdf(t_quantile(probability, degrees), degrees) == pytest.approx(probability, abs=1e-9)
    assert t_quantile(1 - probability, degrees) == -t_quantile(probability, degrees)


def test_one_degree_of_freedom_is_cauchys_distribution() -> None:
    for t in (-7.0, -0.3, 0.0, 0.5, 40.0):
        assert t_cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-12)


# Student's own example (Biometrika 6, 1908, section VIII; data set "sleep" of R): the hours of
# sleep that ten patients gained by either of two drugs. R: t.test(extra ~ group, paired = TRUE)
# gives t = -4.0621, df = 9, interval -2.4598858 to -0.7001142, mean -1.58.
SLEEP_1 = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SLEEP_2 = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def test_the_interval_is_that_of_students_own_example() -> None:
    found = paired_ratio([a - b for a, b in zip(SLEEP_1, SLEEP_2, strict=True)])
    assert found is not None
    assert found.interval is not None
    assert math.log(found.value) == pytest.approx(-1.58)
    assert math.log(found.interval[0]) == pytest.approx(-2.4598858, abs=1e-6)
    assert math.log(found.interval[1]) == pytest.approx(-0.7001142, abs=1e-6)
    assert found.pairs == 10


def test_the_interval_is_the_same_whichever_stands_above() -> None:
    logs = [0.1, 0.13, 0.08, 0.2]
    up, down = paired_ratio(logs), paired_ratio([-one for one in logs])
    assert up is not None
    assert down is not None
    assert up.interval is not None
    assert down.interval == pytest.approx((1 / up.interval[1], 1 / up.interval[0]))
    assert up.half_width == pytest.approx(down.half_width)


def test_nothing_and_a_single_pair_have_no_interval() -> None:
    assert paired_ratio([]) is None
    one = paired_ratio([0.1])
    assert one is not None
    assert (one.interval, one.could_have_seen, one.half_width) == (None, None, None)


@pytest.mark.parametrize("pairs", [2, 3, 5, 10])
def test_intervals_hold_the_truth_as_often_as_they_promise(pairs: int) -> None:
    # The whole simulation, with skewed and heavy-tailed noise, is `make bench-stats`.
    draw, truth, runs = random.Random(pairs), math.log(1.07), 2000
    held = 0
    for _ in range(runs):
        found = paired_ratio([draw.gauss(truth, 0.05) for _ in range(pairs)])
        assert found is not None
        assert found.interval is not None
        held += found.interval[0] <= 1.07 <= found.interval[1]
    # Four standard errors of a share of 0.95 in 2000.
    assert held / runs == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("pairs", [4, 10, 25])
def test_what_could_have_been_seen_is_seen_in_four_of_five_cases(pairs: int) -> None:
    draw, scatter, runs = random.Random(pairs), 0.03, 2000
    error = scatter / math.sqrt(pairs)
    truth = (t_quantile(0.975, pairs - 1) + t_quantile(0.8, pairs - 1)) * error
    shown, told = 0, []
    for _ in range(runs):
        found = paired_ratio([draw.gauss(truth, scatter) for _ in range(pairs)])
        assert found is not None
        assert found.interval is not None
        assert found.could_have_seen is not None
        shown += found.interval[0] > 1
        told.append(found.could_have_seen)
    assert shown / runs == pytest.approx(0.8, abs=0.05)
    assert fmean(told) == pytest.approx(math.expm1(truth), rel=0.12)


def both(base: list[float], other: list[float], **changes: object) -> list[tuple[Trial, Outcome]]:
    return [
        (
            Trial("users", Variant(name, app="a:b"), Load(48, 2.0), repeat),
            replace(outcome(with_rate(rate)), **changes),  # type: ignore[arg-type]
        )
        for repeat, pair in enumerate(zip(base, other, strict=True))
        for name, rate in zip(("a", "b"), pair, strict=True)
    ]


def throughput(trials: list[tuple[Trial, Outcome]]) -> Comparison:
    return next(one for one in compare(trials) if one.metric == "throughput_rps")


def test_a_drift_that_meets_both_leaves_their_ratio_alone() -> None:
    drift = [100.0, 130.0, 170.0, 90.0]
    found = throughput(both(drift, [1.1 * rate for rate in drift]))
    assert found.ratio == pytest.approx(1.1, rel=1e-6)
    assert found.verdict == "better"
    assert found.words == "better: 1.1 (1.1 to 1.1)"


def test_no_difference_is_claimed_inside_the_noise_and_what_could_be_seen_is_said() -> None:
    found = throughput(both([100.0, 104.0, 97.0, 101.0], [103.0, 99.0, 100.0, 104.0]))
    assert found.verdict == "no difference shown"
    assert found.interval is not None
    assert found.could_have_seen is not None
    assert found.could_have_seen > found.interval[1] - 1
    assert found.words == f"no difference shown (could have seen {percent(found.could_have_seen)})"
    assert found.pairs == 4
    assert found.method.startswith("Student's t")


def test_a_comparison_on_a_busy_machine_says_so() -> None:
    busy = {
        "machine.steal_share": Series("share", (0.5, 1.0), (0.1, None)),
        "machine.others_share": Series("share", (0.5, 1.0), (0.1, 0.3)),
    }
    found = throughput(both([100.0, 104.0, 97.0], [103.0, 99.0, 100.0], series=busy))
    assert found.others_share == pytest.approx(0.3)
    assert "others used 30 % of the machine" in found.words
    quiet = throughput(both([100.0, 104.0, 97.0], [103.0, 99.0, 100.0]))
    assert quiet.others_share is None
    assert "others" not in quiet.words


def test_levels_of_one_name_and_different_rates_are_not_mixed() -> None:
    trials = [
        (
            Trial("e", Variant(name, app="a:b"), Load(8, 2.0, schedule=constant_rate(rate))),
            outcome(with_rate(rate * factor)),
        )
        for rate in (100.0, 1000.0)
        for name, factor in (("a", 1.0), ("b", 1.1))
    ]
    found = [one for one in compare(trials) if one.metric == "throughput_rps"]
    assert [one.offered_rps for one in found] == [100.0, 1000.0]
    assert [one.ratio for one in found] == pytest.approx([1.1, 1.1])


def test_latency_of_an_open_loop_is_response_time() -> None:
    slow, fast = quantiles([9000.0] * 9), quantiles([1000.0] * 9)
    trials = [
        (Trial("e", Variant("a", app="a:b"), Load(8, 2.0)), outcome(load_result())),
        (Trial("e", Variant("b", app="a:b"), Load(8, 2.0)), outcome(load_result())),
    ]
    given = [load_result(service_time_us=fast, response_time_us=times) for times in (fast, slow)]
    trials = [(trial, outcome(result)) for (trial, _), result in zip(trials, given, strict=True)]
    p50 = next(one for one in compare(trials) if one.metric == "p50_us")
    assert p50.ratio == pytest.approx(9.0, rel=0.01)


def test_one_pair_gets_an_interval_from_its_blocks_and_no_verdict() -> None:
    series = [
        tuple(interval(start, rate + start % 3) for start in range(10)) for rate in (100, 150)
    ]
    trials = [
        (
            Trial("users", Variant(name, app="a:b"), Load(48, 10.0)),
            outcome(with_rate(rate, intervals=intervals)),
        )
        for (name, rate), intervals in zip((("a", 101.0), ("b", 151.0)), series, strict=True)
    ]
    found = throughput(trials)
    assert found.interval is None
    assert found.verdict is None
    assert found.within is not None
    assert found.within[0] < 1.5 < found.within[1]
    assert "what differs between trials is not in it" in found.method


def test_blocks_give_welchs_interval() -> None:
    draw = random.Random(1)
    low, high = [draw.gauss(100, 4) for _ in range(12)], [draw.gauss(120, 9) for _ in range(16)]
    found = block_interval(low, high)
    assert found is not None
    parts = [stdev(one) ** 2 / len(one) / fmean(one) ** 2 for one in (low, high)]
    assert math.log(found[1] / found[0]) / 2 / math.sqrt(sum(parts)) == pytest.approx(
        2.06, abs=0.03
    )
    assert found[0] * found[1] == pytest.approx((fmean(high) / fmean(low)) ** 2)
    assert block_interval(low[:4], high) is None
    assert block_interval([0.0, *low], high) is None


def test_long_trials_make_no_more_blocks_than_are_independent() -> None:
    many = tuple(interval(start, 100, warmup=start < 3) for start in range(123))
    assert block_figures(load_result(intervals=many), "throughput_rps") == (100.0,) * 20
    assert block_figures(load_result(intervals=many[:7]), "throughput_rps") == ()


def series(*parts: tuple[float, int], seed: int = 1, scatter: float = 0.02) -> list[float]:
    draw = random.Random(seed)
    return [level * draw.gauss(1, scatter) for level, count in parts for _ in range(count)]


@pytest.mark.parametrize("warmup", [2, 5, 9])
def test_a_slow_start_is_cut_off_where_it_ends(warmup: int) -> None:
    found = settling(series((400.0, warmup), (1000.0, 30)))
    assert found is not None
    assert found.steady
    # Never less than the start; a few values more cost nothing but precision.
    assert warmup <= found.cut <= warmup + 10
    assert found.bias < -0.01


def test_a_long_series_is_judged_by_batches_of_five() -> None:
    found = settling(series((400.0, 20), (1000.0, 180)))
    assert found is not None
    assert found.steady
    assert 20 <= found.cut <= 30


def test_a_series_that_never_settles_is_told() -> None:
    falling = settling([1000 - 20 * at for at in range(30)])
    late = settling(series((1000.0, 24), (500.0, 8)))
    assert falling is not None
    assert not falling.steady
    assert late is not None
    assert not late.steady


def test_scatter_alone_is_no_start() -> None:
    cut = sum(
        bool((found := settling(series((1000.0, 20), seed=seed, scatter=0.05))) and found.cut)
        for seed in range(300)
    )
    assert cut <= 15


def test_few_or_equal_values_are_left_whole() -> None:
    assert settling([1.0] * 7) is None
    flat = settling([5.0] * 60)
    assert flat is not None
    assert (flat.cut, flat.steady, flat.bias) == (0, True, 0.0)


def test_the_rest_of_an_interval_is_no_change_of_rate() -> None:
    rest = replace(interval(10, 1), end_s=10.01)
    warm = interval(0, 5, warmup=True)
    assert rates((warm, interval(1, 100), interval(2, 100), rest)) == (100.0, 100.0)
    assert rates(()) == ()


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.04, "4 %"), (0.0074, "0.7 %"), (0.026, "2.6 %"), (0.123, "12 %"), (1e9, "over 1000 %")],
)
def test_shares_are_said_with_as_many_digits_as_they_deserve(share: float, text: str) -> None:
    assert percent(share) == text
