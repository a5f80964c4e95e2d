"""How a run was measured: what a reader must know of its figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncline.report.markdown import render_markdown
from syncline.report.run_report import build_report
from tests.unit.factories import interval, run_record, with_rate

START = (*[600, 610], *[1000, 1004, 996, 1002, 998, 1001, 999, 1000] * 2)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (START, "sync at 12 connections settled "),
        ((1000, 1004, 996, 1002, 998, 1001, 999, 1000, 1003), None),
        # What changes half-way is a finding, not a start.
        ((*[1000, 1002, 998, 1001, 999] * 2, *[600, 601, 599, 600, 602] * 2), None),
    ],
)
def test_a_start_that_outlasts_the_warm_up_is_told_with_what_it_does(
    answers: tuple[int, ...], says: str | None
) -> None:
    steps = tuple(interval(second, ok) for second, ok in enumerate(answers))
    result = replace(with_rate(960.0), intervals=steps)
    text = render_markdown(build_report(run_record({("sync", 12): result})))
    if says is None:
        assert "settled" not in text
    else:
        assert says in text
        assert "makes its rate read 4." in text
        assert "too low" in text
