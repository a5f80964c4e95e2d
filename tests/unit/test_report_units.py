"""Figures read the same everywhere: three digits, a fitting unit, never NaN, never a false 0."""

from __future__ import annotations

import math
import random

import pytest

from syncline.report import clean, units
from syncline.report.strokes import bar, spark


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0.5, "0.500 µs"),
        (85.04, "85.0 µs"),
        (999.4, "999 µs"),
        (999.6, "1.00 ms"),
        (12_345, "12.3 ms"),
        (999_600, "1.00 s"),
        (30_000_000, "30.0 s"),
        (300_000_000, "300 s"),
    ],
)
def test_durations_choose_their_unit_after_rounding(us: float, text: str) -> None:
    assert units.duration(us) == text


@pytest.mark.parametrize(
    ("rps", "text"),
    [(70.55, "70.6"), (0.22, "0.220"), (1385.2, "1,385"), (0.004, "<0.01"), (9.999, "10.0")],
)
def test_rates_keep_three_digits(rps: float, text: str) -> None:
    assert units.rate(rps) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0.0, "0 %"),
        (1e-9, "<0.01 %"),
        (0.0079, "0.79 %"),
        (0.997, "99.7 %"),
        (0.99999999, "99.999 %"),
        (1.0, "100 %"),
    ],
)
def test_a_rare_failure_never_reads_as_none_or_all(part: float, text: str) -> None:
    assert units.share(part) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_not_known_is_a_dash(value: float | None) -> None:
    formats = (
        *(units.duration, units.rate, units.count, units.ratio),
        *(units.share, units.size, units.span),
    )
    assert {show(value) for show in formats} == {units.ABSENT}


def test_significant_digits_are_constant_over_twelve_orders_of_magnitude() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        value = 10 ** chance.uniform(-6, 6)
        shown = float(units.significant(value).replace(",", ""))
        assert shown == pytest.approx(value, rel=0.0051)
        assert "e" not in units.significant(value)


def test_a_bar_is_never_longer_than_its_room_nor_invisible() -> None:
    assert len(bar(5, 5, 10)) == 10
    assert bar(1e-9, 5, 10) != ""
    assert bar(0, 5, 10) == bar(5, 0, 10) == ""


def test_a_sparkline_fits_and_keeps_gaps() -> None:
    assert len(spark([1.0] * 1000, 20)) == 20
    assert spark([1.0, None, 0.0], 20) == "█ ▁"


HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202egnp.exe \r\nline"


def test_plain_text_holds_nothing_that_a_terminal_obeys() -> None:
    shown = clean.plain(HOSTILE)
    assert shown.isprintable()
    assert "\\x1b[31mred" in shown


def test_markdown_shows_markup_as_text() -> None:
    shown = clean.markdown("<script>a|b</script> [x](javascript:y) `c` *d* _e_ a_b")
    assert "<script>" not in shown.replace("\\<", "")
    assert "\\|" in shown
    assert "\\[x\\]" in shown
    assert "a_b" in shown


@pytest.mark.parametrize("text", ["a`b", "``", "a|b", "`|`", "x\ny"])
def test_a_code_span_cannot_be_left(text: str) -> None:
    shown = clean.markdown_code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(fence)
    assert fence not in shown[len(fence) : -len(fence)].strip().split(" ")
    assert "\n" not in shown
    assert "|" not in shown.replace("\\|", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t="])
def test_a_spreadsheet_sees_no_formula(start: str) -> None:
    cell = clean.csv(f"{start}cmd|' /C calc'!A0")
    assert not cell.startswith(("=", "+", "-", "@", " ", "\t")) or cell.startswith("'")
