"""Words of the command line: durations, rates, stages, statuses, URLs."""

from __future__ import annotations

import pytest

from syncline import notation
from syncline.cli.target import parse_target
from syncline.errors import UsageError
from syncline.plan import Phase


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5.0), ("5s", 5.0), ("1m", 60.0), ("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert notation.duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-5", "5x", "1e3", "nan", "٥"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError):
        notation.duration_s(text)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("localhost:8000", "http://localhost:8000", "/"),
        ("HTTPS://Example.com", "https://example.com", "/"),
        ("http://[::1]:80/a?b=c d#frag", "http://[::1]:80", "/a?b=c%20d"),
        ("http://h?q=1", "http://h", "/?q=1"),
        ("http://h/{{string:3:a#?/}}/x#y", "http://h", "/{{string:3:a#?/}}/x"),
        ("http://h/%7Euser/ü", "http://h", "/%7Euser/%C3%BC"),
    ],
)
def test_urls_are_taken_apart(url: str, origin: str, path: str) -> None:
    target = parse_target(url)
    assert (target.origin, target.path) == (origin, path)


def test_no_path_can_smuggle_a_second_request() -> None:
    target = parse_target("http://h/a HTTP/1.1\r\nEvil: 1\r\n\r\nGET /b")
    assert not any(char in target.path for char in "\r\n ")


def test_rates_and_ramps() -> None:
    assert notation.rate_range("1.5k") == (1500.0, 1500.0)
    assert notation.rate_range("100/s..1000") == (100.0, 1000.0)


@pytest.mark.parametrize("text", ["", "fast", "-1", "1..", "..1", "0", "0..0"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError):
        notation.rate_range(text)


def test_stages_may_be_silent_but_not_all() -> None:
    assert notation.stages("1s:0,2s:5..10") == (Phase(1.0, 0.0, 0.0), Phase(2.0, 5.0, 10.0))
    for text in ("1s:0", "1s", "1s:", ":5", "1s:5,"):
        with pytest.raises(UsageError):
            notation.stages(text)


def test_statuses_are_codes_or_classes() -> None:
    assert notation.statuses("200,404") == (200, 404)
    assert notation.statuses("5xx") == tuple(range(500, 600))
