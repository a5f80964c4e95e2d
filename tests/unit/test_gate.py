"""Two runs are compared, and a run is judged, by no more than was measured."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from syncline.baseline import baseline_of, read_baseline, write_baseline
from syncline.between import between, change_json
from syncline.cli import cli
from syncline.cli.seam import run
from syncline.errors import UsageError
from syncline.finding import Finding
from syncline.gate import Check, Status, check, exit_code
from syncline.objective import parse_objectives
from syncline.outcome import Outcome, Validity
from syncline.record import RunRecord
from syncline.report.gate_report import junit, verdict_words
from syncline.stats import Cell, cells
from syncline.store import Store
from syncline.trial import Load, Trial
from tests.unit.factories import case, hung_result, outcome, run_record, with_rate


def measured(run_id: str, **rates: tuple[float | Outcome, ...]) -> RunRecord:
    """A run with the rates, or outcomes, of each variant's repeats at 48 connections."""
    asked = case()
    trials = tuple(
        (
            Trial(asked.name, asked.variant(name.rstrip("_")), Load(48, 2.0), repeat=repeat),
            value if isinstance(value, Outcome) else outcome(with_rate(value)),
        )
        for name, values in rates.items()
        for repeat, value in enumerate(values)
    )
    planned = tuple(trial for trial, _ in trials)
    return replace(run_record(id=run_id, case=asked), trials=trials, planned=planned)


def with_async(run_id: str, *values: float | Outcome) -> RunRecord:
    return measured(run_id, **{"async": values})


def verdict(before: RunRecord, after: RunRecord) -> str | None:
    changes = between(before, after).changes
    return next(
        one.comparison.verdict for one in changes if one.comparison.metric == "throughput_rps"
    )


STEADY = (100.0, 101.0, 99.0, 100.5)
NOISY = (100.0, 140.0, 70.0, 110.0)
HUNG = outcome(hung_result())
SPOILT = replace(
    outcome(with_rate(100)), validity=Validity.of(("generator saturated: it used 99 % of a core",))
)


@pytest.mark.parametrize(
    ("before", "after", "verdict_"),
    [
        (STEADY, tuple(1.1 * rate for rate in STEADY), "better"),
        (STEADY, tuple(0.9 * rate for rate in reversed(STEADY)), "worse"),
        (NOISY, tuple(1.01 * rate for rate in reversed(NOISY)), "no difference shown"),
        ((100.0,), (300.0,), "no difference shown"),
        (STEADY, (HUNG, HUNG), "worse"),
        ((HUNG,), (100.0,), "better"),
        ((HUNG,), (HUNG,), None),
        (STEADY, (SPOILT,), None),
    ],
)
def test_a_verdict_claims_no_more_than_was_measured(
    before: tuple[float | Outcome, ...], after: tuple[float | Outcome, ...], verdict_: str | None
) -> None:
    assert verdict(with_async("a", *before), with_async("b", *after)) == verdict_


def test_no_difference_says_what_could_have_been_seen() -> None:
    change = between(with_async("a", *NOISY), with_async("b", *reversed(NOISY)))
    (found,) = (
        one for one in change_json(change)["comparisons"] if one["metric"] == "throughput_rps"
    )
    assert found["could_have_seen"] > 0.2
    assert found["interval"][0] < 1 < found["interval"][1]
    assert (found["baseline"], found["candidate"], found["variant"]) == ("a", "b", "async")


def test_cells_that_only_one_run_has_are_named() -> None:
    change = between(measured("a", sync=(100.0,)), with_async("b", 100.0))
    assert change.changes == ()
    assert change.unmatched == (
        "sync under read at 48 connections: only in a",
        "async under read at 48 connections: only in b",
    )


def judged(text: str, after: RunRecord, before: RunRecord | None = None) -> Check:
    baseline = baseline_of(before) if before else None
    (found,) = check(parse_objectives(text), after, baseline)
    return found


@pytest.mark.parametrize(
    ("text", "values", "status"),
    [
        ("throughput > 90 req/s", (80.0, 100.0, 110.0), "met"),
        ("throughput > 90 req/s at 48 connections for async", (80.0, 85.0, 110.0), "missed"),
        ("p99 < 1s", (100.0,), "met"),
        ("p99 < 1ms", (100.0,), "missed"),
        ("errors <= 0%", (100.0,), "met"),
        ("p99 < 1s", (100.0, HUNG), "missed"),
        ("errors < 50%", (HUNG,), "missed"),
        ("p99 < 1s", (SPOILT,), "invalid"),
        ("p99 < 1s", (SPOILT, 100.0), "met"),
    ],
)
def test_a_bound_is_judged_by_the_repeats_that_count(
    text: str, values: tuple[float | Outcome, ...], status: Status
) -> None:
    assert judged(text, with_async("a", *values)).status == status


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (STEADY, STEADY, "met"),
        (STEADY, tuple(0.98 * rate for rate in STEADY), "met"),
        (STEADY, tuple(0.9 * rate for rate in STEADY), "missed"),
        (STEADY, tuple(0.951 * rate for rate in reversed(STEADY)), "undecided"),
        (NOISY, tuple(reversed(NOISY)), "undecided"),
        ((100.0,), (96.0,), "met"),
        ((100.0,), (94.0,), "missed"),
        (STEADY, (HUNG,), "missed"),
        ((HUNG,), (HUNG,), "met"),
        ((HUNG,), (100.0,), "met"),
        (STEADY, (SPOILT,), "invalid"),
    ],
)
def test_a_drift_is_judged_by_its_interval(
    before: tuple[float | Outcome, ...], after: tuple[float | Outcome, ...], status: Status
) -> None:
    text = "throughput not more than 5 % below baseline"
    assert judged(text, with_async("b", *after), with_async("a", *before)).status == status


def test_findings_count_by_severity_variant_and_code() -> None:
    found = Finding(
        "loop-blocked", "warning", 0.9, "async", 48, "it blocks", "why", (), load="insert"
    )
    record = replace(with_async("a", 100.0), findings=(found,))
    assert judged("no finding", record).status == "missed"
    assert judged("no finding of severity error", record).status == "met"
    assert judged("no finding loop-blocked for sync", record).status == "met"
    assert judged("no finding loop-blocked at 48 connections", record).status == "missed"
    assert judged("no finding under insert", record).status == "missed"
    assert judged("no finding under read", record).status == "met"
    with pytest.raises(UsageError, match="a finding is of a variant, a load"):
        judged("no finding at 500 req/s", record)


def test_an_objective_about_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="about nothing in run a; it has: async, read, 48 conn"):
        judged("p99 < 1s at 12 connections", with_async("a", 100.0))
    with pytest.raises(UsageError, match="needs --baseline"):
        judged("p99 not more than 5% above baseline", with_async("a", 100.0))


@pytest.mark.parametrize(
    ("statuses", "code", "strict"),
    [
        (("met",), 0, 0),
        (("met", "undecided"), 0, 3),
        (("met", "invalid"), 3, 3),
        (("missed", "invalid"), 1, 1),
    ],
)
def test_exit_codes(statuses: tuple[Status, ...], code: int, strict: int) -> None:
    checks = [Check("p99 < 1s", "here", status) for status in statuses]
    assert exit_code(checks) == code
    assert exit_code(checks, strict=True) == strict


def test_a_baseline_file_has_a_cell_a_line_and_comes_back() -> None:
    record = measured("a", sync=STEADY, async_=(123.456789, HUNG))
    text = write_baseline(baseline_of(record))
    lines = text.splitlines()
    (row,) = (line for line in lines if '"async"' in line)
    assert '"throughput": [123.5]' in row
    assert '"stopped": "hung"' in row
    assert sum('"variant"' in line for line in lines) == 2
    back = read_baseline(text, "it")
    assert back.find("sync", next(iter(_cells(record)))) is not None
    assert write_baseline(back) == text


def _cells(record: RunRecord) -> list[Cell]:
    return list(cells(record.trials))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no whole JSON"),
        ("[]", "is no baseline"),
        ('{"kind": "syncline-baseline", "schema": 7}', "has schema 7"),
        ('{"kind": "syncline-baseline", "schema": 1, "run": 3}', "it"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_baseline(text, "it")


def test_junit_tells_failures_from_errors_and_survives_hostile_names() -> None:
    checks = (
        Check("p99 < 1s", "<a> & \x1b[31m", "missed", "p99", 2e6),
        Check("p99 < 1s", "b", "invalid", "p99", detail="generator saturated"),
        Check("p99 < 1s", "c", "met", "p99", 1e3),
    )
    suite = ElementTree.fromstring(junit(checks, run_record()))[0]  # noqa: S314
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    failure = suite[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "measured 2.00 s"
    assert verdict_words(checks) == "1 missed and 1 not measured of 3 checks"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with Store.open() as store:
        store.import_run(replace(with_async("one", *STEADY), started="2026-01-01T00:00:00Z"))
        worse = tuple(0.8 * rate for rate in STEADY)
        store.import_run(replace(with_async("two", *worse), started="2026-02-01T00:00:00Z"))
    return tmp_path


DRIFT = "throughput not more than 5 % below baseline"


def test_a_run_is_gated_against_another_a_file_and_a_commit(
    stored: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(cli, ["check", "--baseline", "one", "--objective", DRIFT]) == 1
    assert run(cli, ["baseline", "one"]) == 0
    given = ["check", "--objective", DRIFT, "--baseline"]
    assert run(cli, [*given, "syncline-baseline.json"]) == 1
    assert run(cli, [*given, "one", "--run", "one"]) == 0
    for words in (
        ("init", "-q", "-b", "trunk"),
        ("add", "syncline-baseline.json"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "baseline"),
    ):
        subprocess.run(("git", *words), check=True)  # noqa: S607
    Path("syncline-baseline.json").unlink()
    capsys.readouterr()
    assert run(cli, [*given, "trunk"]) == 1
    assert "against one" in capsys.readouterr().out.replace("\n", " ")
    assert run(cli, [*given, "trunk:syncline-baseline.json", "--run", "one"]) == 0
    assert run(cli, [*given, "nosuch"]) == 2
    assert "is no file, no run" in capsys.readouterr().err


def test_ci_gets_its_files(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("summary.md").write_text("# Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(stored / "summary.md"))
    given = ["--objective", "p99 < 1s,errors < 1%", "--junit", "junit.xml"]
    assert run(cli, ["check", *given]) == 0
    assert Path("summary.md").read_text().startswith("# Before\n")
    assert "all 2 checks met" in Path("summary.md").read_text()
    assert 'tests="2"' in Path("junit.xml").read_text()


def test_objectives_of_the_config_file_are_used(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, ["check"]) == 2
    assert "nothing to hold the run against" in capsys.readouterr().err
    Path("syncline.toml").write_text(
        'objectives = ["throughput > 90 req/s"]\n[service]\napp = "a:b"\n'
    )
    assert run(cli, ["check"]) == 1
    assert run(cli, ["check", "--run", "one"]) == 0


def test_compare_writes_its_verdicts(stored: Path) -> None:
    assert run(cli, ["compare", "one", "two", "--json", "change.json"]) == 0
    found = json.loads(Path("change.json").read_text())
    assert {one["verdict"] for one in found["comparisons"]} <= {
        "better",
        "worse",
        "no difference shown",
    }
    assert found["comparisons"][0]["verdict"] == "worse"
    assert run(cli, ["compare", "one", "one"]) == 2
