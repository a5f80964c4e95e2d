"""Every finding can be explained, on the command line and from each report that names it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import pytest
from click.testing import CliRunner

from syncline.cli import cli
from syncline.cli.explain import complete_code, explain
from syncline.diagnosis import diagnose
from syncline.errors import UsageError
from syncline.finding import Code
from syncline.judge import exit_code
from syncline.outcome import ErrorSample
from syncline.report.comparison import build_comparison
from syncline.report.markdown import render_markdown
from tests.unit import factories as make
from tests.unit.diagnosing import good, hung, trial


@pytest.mark.parametrize("code", get_args(Code))
def test_every_code_is_explained(code: str) -> None:
    shown = CliRunner().invoke(cli, ["explain", code])
    assert shown.exit_code == 0
    assert code in shown.output
    for title in ("Evidence", "What helps"):
        assert title in shown.output


def test_without_a_code_all_are_listed() -> None:
    shown = CliRunner().invoke(cli, ["explain"])
    assert [code for code in get_args(Code) if code not in shown.output] == []


def test_json_is_for_programs() -> None:
    data = json.loads(CliRunner().invoke(cli, ["explain", "hang", "--json"]).output)
    assert data["code"] == "hang"
    every = json.loads(CliRunner().invoke(cli, ["explain", "--json"]).output)
    assert [one["code"] for one in every].count("healthy") == 1


def test_a_wrong_code_is_refused_with_the_nearest() -> None:
    failed = CliRunner().invoke(cli, ["explain", "pool-deadlok"])
    assert isinstance(failed.exception, UsageError)
    assert "Did you mean 'pool-deadlock'?" in str(failed.exception)


def test_codes_complete() -> None:
    context = explain.make_context("explain", ["hang"])
    found = complete_code(context, explain.params[0], "pool-")
    assert [one.value for one in found] == [
        "pool-exhausted",
        "pool-deadlock",
        "pool-unfair",
    ]


def test_a_report_tells_why_and_where_to_read_on() -> None:
    findings = diagnose([trial(None, hung(), 200)])
    shown = render_markdown(build_comparison(replace(make.run_record(), findings=findings)))
    assert "### hang: sync at 200 connections" in shown
    assert "syncline explain hang" in shown
    assert "healthy" in render_markdown(
        build_comparison(replace(make.run_record(), findings=diagnose([trial()])))
    )


def test_hostile_words_in_a_finding_are_neutralised() -> None:
    sample = ErrorSample("500", 20_000, 0.0, 1.0, "\x1b[2J<img src=x>|")
    findings = diagnose([trial(None, good(ok=0, failed=20_000, error_samples=(sample,)))])
    assert findings[0].code == "errors-dominate"
    shown = render_markdown(build_comparison(replace(make.run_record(), findings=findings)))
    assert "\x1b" not in shown
    assert "<img" not in shown.replace("\\<", "")


def test_an_error_that_stands_fails_the_run_unless_the_case_is_about_it() -> None:
    starved = good(connections=replace(good().connections, asked=100, never_served=90))
    findings = diagnose([trial(None, starved, 100)])
    assert [one.severity for one in findings] == ["error"]
    record = make.run_record({("sync", 1): make.with_rate(70.0)})
    assert exit_code(replace(record, findings=findings)) == 0, "its author published a hang"
    other = tuple(replace(one, variant="async") for one in findings)
    assert exit_code(replace(record, findings=other)) == 1
