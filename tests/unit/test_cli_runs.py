"""What is kept can be listed, named, shown, taken elsewhere, and removed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncline.archive import archive_json, read_archive
from syncline.cli import cli
from syncline.cli.runs import instant
from syncline.cli.seam import run
from syncline.errors import UsageError
from syncline.record import RunRecord, Settings
from syncline.store import Store
from syncline.store.naming import find
from tests.unit.factories import run_record

OLD, NEW = "20260101-000000-aaaa", "20260201-000000-bbbb"
PLACE = ".syncline/runs.db"


@pytest.fixture(autouse=True)
def _stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open() as store:
        store.import_run(run_record(id=OLD, started="2026-01-01T00:00:00Z", status="interrupted"))
        store.import_run(run_record(id=NEW, started="2026-02-01T00:00:00Z"))


def says(line: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert run(cli, line.split()) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def listed(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, _ = says(f"runs --json - {line}", capsys)
    return [item["id"] for item in json.loads(out)["runs"]]


def test_runs_are_listed_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed("", capsys) == [NEW, OLD]
    out, _ = says("runs", capsys)
    assert out.index(NEW) < out.index(OLD)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("--case users", [NEW, OLD]),
        ("--case books", []),
        ("--status interrupted", [OLD]),
        ("--status interrupted --status finished", [NEW, OLD]),
        ("--since 2026-01-15", [NEW]),
        ("--since 2026-01-31T23:59:59+00:00", [NEW]),
        ("--limit 1", [NEW]),
    ],
)
def test_a_list_is_filtered(
    options: str, ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(options, capsys) == ids


def test_looking_for_a_store_does_not_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed("--store elsewhere/runs.db", capsys) == []
    _, err = says("show --store elsewhere/runs.db", capsys, 2)
    assert "There is no store at elsewhere/runs.db" in err
    assert not (tmp_path / "elsewhere").exists()


def test_times_are_read() -> None:
    now = datetime(2026, 3, 8, tzinfo=UTC)
    assert instant("7d", now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert instant("2026-03-01T02:00+02:00", now) == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="'yesterday' is no time"):
        instant("yesterday", now)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("b2", "b2"), ("a", "a1"), ("latest", "c3"), ("latest~2", "a1"), ("c3", "c3")],
)
def test_a_run_is_found_by_what_a_person_types(name: str, meant: str) -> None:
    assert find(name, ["c3", "b2", "a1"], "here") == meant


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("b", "begins the ids of 2 runs: b2, b22"),
        ("latest~9", "no latest~9: it holds 3 runs"),
        ("x", "has no run 'x'"),
        ("", "has no run ''"),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find(name, ["c3", "b2", "b22"], "here")


def test_a_run_is_shown_from_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = says("show 20260201", capsys)
    assert f"Run {NEW}" in out
    assert "conns" in out
    out, _ = says("show latest~1 --json -", capsys)
    assert json.loads(out)["id"] == OLD


def test_a_run_goes_to_another_store_and_comes_back_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    says(f"export {NEW} --out run.json", capsys)
    says("import run.json --store other.db", capsys)
    with Store.open(PLACE) as here, Store.open("other.db") as there:
        assert there.load_run(NEW) == here.load_run(NEW)
    _, err = says("import run.json", capsys, 2)
    assert "has a run 20260201-000000-bbbb already" in err


@pytest.mark.parametrize(
    ("damage", "says_"),
    [
        (lambda text: text[: len(text) // 2], "no whole JSON file"),
        (lambda text: text.replace('"ok": 140', '"ok": 999', 1), "was changed or damaged"),
        (lambda _: '{"runs": []}', "is not a run of Syncline"),
        (lambda text: text.replace('"schema": 1', '"schema": 9', 1), "has schema 9"),
        (lambda _: "[" * 100_000, "no whole JSON file"),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_is_written(
    damage: object, says_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(damage)
    whole = json.dumps(archive_json(run_record(id="x1")), indent=2)
    assert damage(whole) != whole
    Path("run.json").write_text(damage(whole))
    _, err = says("import run.json", capsys, 2)
    assert says_ in err
    assert listed("", capsys) == [NEW, OLD]


def test_what_is_exported_holds_how_the_run_was_done() -> None:
    settings = Settings(probe=False, servers={"postgres": "postgresql://me:***@h/d"}, verify="full")
    record = run_record(settings=settings)
    back = read_archive(json.dumps(archive_json(record)), "it")
    assert back.settings == settings
    assert back.planned == record.planned


def test_csv_has_a_row_for_each_trial(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = says("export --format csv", capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["variant"], row["connections"]) for row in rows] == [
        ("sync", "1"),
        ("async", "1"),
        ("sync", "48"),
        ("async", "48"),
    ]
    assert float(rows[3]["throughput_rps"]) == 800
    assert rows[2]["hang_from_s"] == "0.4"
    assert rows[0]["response_time_p99_us"] == ""


def test_hlog_tells_trials_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = says("export --format hlog", capsys)
    lines = [line for line in out.splitlines() if line.startswith("Tag=")]
    assert {line.partition(",")[0] for line in lines} == {
        "Tag=sync-read-1-0",
        "Tag=async-read-1-0",
        "Tag=sync-read-48-0",
        "Tag=async-read-48-0",
    }
    assert "#[Histogram log format version 1.3]" in out


def test_parquet_holds_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    says("export --format parquet --out run.parquet", capsys)
    rows = parquet.read_table("run.parquet").to_pylist()
    assert [row["throughput_rps"] for row in rows] == [70.0, 84.0, 15.0, 800.0]


def test_parquet_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = says("export --format parquet", capsys, 2)
    assert "name a file with --out" in err


def test_runs_are_removed_by_the_names_that_they_had_at_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    says("rm latest latest~1 --yes", capsys)
    assert listed("", capsys) == []


def test_removing_asks_and_removes_nothing_without_a_yes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    _, err = says("rm latest", capsys, 130)
    assert "Remove 1 run for good?" in err
    assert listed("", capsys) == [NEW, OLD]


def test_a_run_that_runs_is_not_removed_nor_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open() as store:
        running: RunRecord = run_record(id="", status="running")
        run_id = store.create_run(running)
        _, err = says(f"rm {run_id} --yes", capsys, 2)
        assert "is running; stop it" in err
        _, err = says(f"resume {run_id}", capsys, 2)
        assert "is running; there is nothing to resume" in err


def test_a_whole_run_is_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = says(f"resume {NEW}", capsys, 2)
    assert "has all its trials" in err
