"""The store keeps whole trials and says clearly what it cannot do."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from syncline.errors import StoreError, UsageError
from syncline.record import RunRecord
from syncline.store import SCHEMA_VERSION, Store
from tests.unit.factories import case, hung_result, outcome, run_record


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "runs.db"


def started() -> RunRecord:
    return run_record(id="", status="running", ended=None)


def keep(store: Store, record: RunRecord) -> str:
    run_id = store.create_run(replace(record, trials=()))
    for trial, result in record.trials:
        store.add_trial(run_id, trial, result)
    return run_id


def execute(place: Path, sql: str, *values: object) -> None:
    connection = sqlite3.connect(place)
    with connection:
        connection.execute(sql, values)
    connection.close()


def test_a_finished_run_comes_back_as_it_was_written(place: Path) -> None:
    record = started()
    with Store.open(place) as store:
        run_id = keep(store, record)
        store.finish_run(run_id, "finished")
    with Store.open(place) as store:
        kept = store.load_run(run_id)
    assert kept.trials == record.trials
    assert kept.planned == record.planned
    assert kept.case == record.case
    assert kept.environment == record.environment
    assert kept.status == "finished"
    assert kept.ended is not None
    assert kept.missing == ()


def test_comparisons_are_made_of_the_trials_that_are_kept(place: Path) -> None:
    with Store.open(place) as store:
        run_id = keep(store, started())
        compared = store.load_run(run_id).comparisons
    ratios = {item.connections: item.ratio for item in compared if item.metric == "throughput_rps"}
    assert ratios[1] == pytest.approx(84 / 70)
    assert ratios[48] is None
    assert any(item.reason == "sync hung" for item in compared)


def test_a_trial_is_seen_by_another_process_as_soon_as_it_is_added(place: Path) -> None:
    record = started()
    with Store.open(place) as writer, Store.open(place) as reader:
        run_id = writer.create_run(record)
        assert reader.load_run(run_id).trials == ()
        writer.add_trial(run_id, *record.trials[0])
        assert reader.load_run(run_id).trials == record.trials[:1]
        assert len(reader.load_run(run_id).missing) == len(record.planned) - 1


def test_the_same_trial_is_kept_once_in_a_run(place: Path) -> None:
    record = started()
    with Store.open(place) as store:
        run_id = store.create_run(record)
        store.add_trial(run_id, *record.trials[0])
        with pytest.raises(StoreError, match="UNIQUE"):
            store.add_trial(run_id, *record.trials[0])
        assert store.load_run(run_id).trials == record.trials[:1]


def test_runs_are_listed_newest_first_with_what_is_done(place: Path) -> None:
    with Store.open(place) as store:
        old = store.create_run(replace(started(), started="2026-01-01T00:00:00Z"))
        new = keep(store, replace(started(), started="2026-02-01T00:00:00Z"))
        store.finish_run(old, "failed")
        listed = store.runs()
    assert [run.id for run in listed] == [new, old]
    assert [(run.status, run.done, run.planned) for run in listed] == [
        ("running", 4, 4),
        ("failed", 0, 4),
    ]


def test_a_run_whose_process_let_go_of_it_is_interrupted(place: Path) -> None:
    with Store.open(place) as store:
        run_id = keep(store, started())
        with Store.open(place) as other:
            assert other.load_run(run_id).status == "running"
    with Store.open(place) as store:
        assert store.load_run(run_id).status == "interrupted"
        assert store.runs()[0].status == "interrupted"


def test_an_unknown_run_is_named(place: Path) -> None:
    with Store.open(place) as store, pytest.raises(UsageError, match="no run 'nosuch'"):
        store.load_run("nosuch")


def test_a_newer_schema_is_refused_with_both_versions(place: Path) -> None:
    Store.open(place).close()
    execute(place, "UPDATE syncline_schema SET version = ?", SCHEMA_VERSION + 6)
    with pytest.raises(StoreError, match=rf"version {SCHEMA_VERSION + 6}; .*{SCHEMA_VERSION}\."):
        Store.open(place)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "theirs.db"
    execute(place, "CREATE TABLE bills (id INTEGER)")
    with pytest.raises(StoreError, match="not a store of Syncline: it has the tables bills"):
        Store.open(place)
    execute(place, "INSERT INTO bills VALUES (1)")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("dear diary, " * 500)
    with pytest.raises(StoreError, match="not a whole SQLite database"):
        Store.open(place)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE trials SET payload = substr(payload, 1, 200) WHERE position = 2", "Trial 2"),
        ("UPDATE trials SET payload = zeroblob(90), checksum = 'ff' WHERE position = 3", "Trial 3"),
        ("UPDATE runs SET payload = CAST(payload || x'00' AS BLOB)", "Run "),
    ],
)
def test_a_damaged_payload_is_named_and_never_taken_for_whole(
    place: Path, sql: str, what: str
) -> None:
    with Store.open(place) as store:
        run_id = keep(store, started())
    execute(place, sql)
    with Store.open(place) as store, pytest.raises(StoreError, match=f"{what}.* is damaged"):
        store.load_run(run_id)


def test_a_payload_with_a_right_checksum_and_a_wrong_shape_is_refused(place: Path) -> None:
    from syncline.store.payload import pack

    with Store.open(place) as store:
        run_id = keep(store, started())
        packed, checksum = pack({"trial": {"case": 3}, "outcome": {}})
        execute(place, "UPDATE trials SET payload = ?, checksum = ?", packed, checksum)
        with pytest.raises(StoreError, match=r"Trial 1 .* cannot be read: trial"):
            store.load_run(run_id)


def test_a_store_that_another_process_holds_is_said_to_be_held(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(place) as store:
        holder = sqlite3.connect(place, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process held it"):
            store.create_run(started())
        holder.execute("ROLLBACK")
        holder.close()
        assert store.create_run(started())


def test_commits_are_flushed_to_the_disk(place: Path) -> None:
    from syncline.store.database import open_database, transaction

    engine, _ = open_database(str(place))
    with transaction(engine, str(place)) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.parametrize("url", ["nosuch://x/y", "sqlite://", "postgresql+nosuch://h/d"])
def test_a_url_that_names_no_database_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(StoreError, match="store's URL"):
        Store.open(url)


def test_a_password_in_the_stores_url_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql+psycopg://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_an_outcome_with_everything_survives_the_store(place: Path) -> None:
    asked = case()
    record = run_record({("sync", 48): outcome(hung_result())}, case=asked, id="", status="running")
    with Store.open(place) as store:
        run_id = keep(store, record)
        assert store.load_run(run_id).trials == record.trials
