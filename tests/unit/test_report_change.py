"""Two runs against each other, in words: what is claimed, and how often it would be by chance."""

from __future__ import annotations

import pytest

from syncline.between import CellChange, Change
from syncline.record import Comparison
from syncline.report.change import build_change
from syncline.report.markdown import render_markdown
from tests.unit.factories import run_record


def changed(number: int) -> Change:
    cells = tuple(
        CellChange(
            "sync",
            100.0,
            101.0,
            Comparison(
                *("read", level, "throughput_rps", "a", "b", 1.01, (0.99, 1.03)),
                verdict="no difference shown",
            ),
        )
        for level in range(1, number + 1)
    )
    return Change("a", "b", cells, ())


@pytest.mark.parametrize(("number", "says"), [(4, None), (40, "of 40 comparisons"), (5, "0.25")])
def test_of_many_verdicts_it_is_said_how_many_chance_would_make(
    number: int, says: str | None
) -> None:
    text = render_markdown(build_change(changed(number), run_record(), run_record(), ()))
    if says is None:
        assert "by chance" not in text
    else:
        assert says in text
        assert "would show one by chance" in text
