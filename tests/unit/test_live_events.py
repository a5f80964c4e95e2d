"""What a run tells to a page while it goes on: small, whole lines, and never at its cost."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from syncline import events
from syncline.cli.event_file import EventFile, also_to
from syncline.report.live_events import told
from tests.unit.factories import case, progress, run_record, with_rate
from tests.unit.pages import HOSTILE


def glance() -> events.TrialProgress:
    return events.TrialProgress(progress(), {"probe.loop_lag_max_ms": 2.0, "probe.unknown": 1.0})


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_glance_has_figures_in_the_page_s_units() -> None:
    tale = told(glance())
    assert tale["kind"] == "progress"
    assert tale["lag_us"] == 2000.0
    assert "pool" not in tale


def test_a_finished_trial_is_told_in_words_without_its_histograms() -> None:
    trial, result = run_record({("sync", 1): with_rate(70.0)}).trials[0]
    tale = told(events.TrialFinished(1, 2, trial, result, 3.0))
    assert tale["trial"] == "sync, 1 connection, read"
    assert str(tale["text"]).startswith("70")
    assert len(json.dumps(tale)) < 400


def test_a_file_holds_every_event_but_few_glances() -> None:
    stream, now = io.StringIO(), iter([10.0, 10.1, 10.5])
    write = EventFile(stream, lambda: next(now))
    for event in (glance(), glance(), glance(), events.Note("so"), events.RunEnded("finished", 1)):
        write(event)
    assert [line["kind"] for line in lines(stream)] == ["progress", "progress", "note", "end"]


def test_a_text_with_line_ends_stays_one_line() -> None:
    stream = io.StringIO()
    EventFile(stream)(events.Note(f"one\ntwo\r{HOSTILE}"))
    (line,) = lines(stream)
    assert line["text"] == f"one\ntwo\r{HOSTILE}"


def test_a_full_disk_ends_the_telling_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    write = EventFile(Full())
    write(events.Note("one"))
    write(events.Note("two"))
    assert capsys.readouterr().err.count("No space left on device") == 1


def test_what_is_written_is_shown_as_well(tmp_path: Path) -> None:
    shown: list[events.Event] = []
    place = tmp_path / "events"
    with also_to(place, shown.append) as observer:
        observer(events.DatabasePreparing(case()))
        assert "preparing" in place.read_text(), "at once, not at the end"
    with also_to(None, shown.append) as observer:
        observer(events.Note("only shown"))
    assert len(shown) == 2
