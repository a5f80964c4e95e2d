"""The layout of a run from the command line: shown before anything starts, or refused."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from syncline.cli.design import precision, precision_words
from syncline.cli.run import run
from syncline.errors import UsageError
from syncline.trial import Load, Trial, Variant
from tests.unit.factories import outcome, with_rate


def dry(*arguments: str) -> str:
    found = CliRunner().invoke(run, ["users", "--quick", "--dry-run", *arguments])
    assert found.exit_code == 0, found.output
    return found.output


def test_a_dry_run_lists_the_trials_and_the_time_and_runs_nothing() -> None:
    lines = dry("--repeat", "2", "--include", "12").splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [
        *("sync/read/12", "async/read/12"),
        *("async/read/12", "sync/read/12"),
    ]
    assert lines[-1].startswith("4 trials, about ")
    assert lines[-1].endswith("nothing was run.")


def test_a_budget_says_what_it_buys() -> None:
    shown = dry("--budget", "2m", "--include", "48")
    assert "Within 2 min: " in shown
    assert "rounds of 2 trials" in shown


def test_the_matrix_is_that_of_variants_servers_and_levels() -> None:
    shown = dry(
        "--server", "uvicorn", "--workers", "1,2", "--exclude", "200", "--exclude", "*w2/*/1"
    )
    assert "sync@uvicorn-w2/read/48" in shown
    assert "sync@uvicorn-w1/read/1 " in shown
    assert "sync@uvicorn-w2/read/1 " not in shown
    assert "/200" not in shown


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("2.5 %", 0.025)])
def test_precisions_are_shares(text: str, share: float) -> None:
    assert precision(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "5", "nan", "0%", "-1%", "90%", "a little"])
def test_what_is_no_precision_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no precision; write a share"):
        precision(text)


def test_a_precision_that_was_not_reached_is_told_with_what_it_would_take() -> None:
    measured = tuple(
        (
            Trial("users", Variant(name, app="a:b"), Load(12, 2.0), repeat),
            outcome(with_rate(100.0 + 10 * ((repeat + (name == "b")) % 2))),
        )
        for repeat in range(6)
        for name in ("a", "b")
    )
    (told,) = precision_words(measured, 0.02)
    assert told.startswith("b at 12 connections is known to ± ")
    assert " after 6 rounds; ± 2 % would take about " in told
    assert precision_words(measured, 0.4) == ()
    assert precision_words(measured, None) == ()


def test_a_case_of_many_variants_has_its_chief_ones_for_a_quick_look() -> None:
    def variants(*arguments: str) -> set[str]:
        found = CliRunner().invoke(run, ["books", "--dry-run", *arguments])
        return set(re.findall(r"^ *\d+  ([^/]+)/", found.output, re.MULTILINE))

    quick, whole = variants("--quick"), variants()
    assert quick < whole
    assert "four-workers-pool50" in quick
    assert variants("--quick", "--variant", "async-lazy") == {"async-lazy"}
