"""What tests ask of a load, and what they are told."""

from __future__ import annotations

import fcntl
import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from syncline.errors import EnvironmentLackError, UsageError
from syncline.plan import OpenLoop
from syncline.report.markdown import render_markdown
from syncline.testing import Defaults
from syncline.testing.rows import Row, lines, packed, page_name, session_document, unpacked
from syncline.testing.turns import turn
from syncline.trial import Load

ROW = Row(
    test="tests/test_shop.py::test_a[b c]",
    service="shop",
    load="8 × 2.5 s",
    p50_us=1200.0,
    p99_us=None,
    throughput_rps=812.0,
    errors=3,
    reasons=("the machine was busy",),
    findings=(("error", "pool-exhausted", "The pool is empty.", "Make it larger."),),
    page="test_shop",
)


def test_the_closest_word_on_a_load_wins() -> None:
    ini = Defaults().over({"connections": 4, "duration": 1.0}, "ini")
    test = ini.over({"connections": 12, "rate": 50}, "marker")
    load = test.load(Load(1, 5.0, threads=3))
    assert (load.connections, load.duration_s, load.warmup_s, load.threads) == (12, 1.0, 0.2, 1)
    assert isinstance(load.schedule, OpenLoop)
    assert load.schedule.phases[0].from_rps == 50
    assert Defaults(quick=False).duration_s > Defaults().duration_s


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"conections": 3}, "takes no 'conections'; it takes: connections"),
        ({"connections": 0}, "connections is 0; it must be a whole number from 1 on"),
        ({"connections": True}, "connections is True"),
        ({"duration": "2s"}, "duration is '2s'; it must be a number above 0"),
        ({"quick": 1}, "quick is 1; it must be True or False"),
    ],
)
def test_a_wrong_word_on_a_load_is_one_sentence(given: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Defaults().over(given, "syncline.run")


def test_rows_reach_another_process_whole_and_say_what_to_do() -> None:
    assert unpacked(packed([ROW])) == [ROW]
    said = "\n".join(lines([ROW]))
    assert "p50 1.20 ms, p99 –" in said
    assert "not valid: the machine was busy" in said
    assert "error: pool-exhausted: The pool is empty." in said
    text = render_markdown(session_document([ROW]))
    assert "1 load, 1 finding of severity error" in text
    assert "To do: Make it larger." in text


def test_a_page_is_named_after_its_test() -> None:
    assert page_name(ROW.test, 1) == "test_shop.py-test_a-b-c"
    assert page_name(ROW.test, 2) == "test_shop.py-test_a-b-c-2"
    assert page_name("../../etc/passwd", 1) == "passwd"


def _hold(path: Path, held: Event, go: Event) -> None:
    with turn(path):
        held.set()
        go.wait(30)


def test_a_load_waits_for_the_load_of_another_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    spawn = multiprocessing.get_context("fork")
    held, go = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(path, held, go))
    other.start()
    try:
        assert held.wait(30)
        with path.open("r+") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        go.set()
        other.join(30)
    with turn(path):  # it went with the process
        pass


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentLackError, match="cannot be opened"), turn(tmp_path / "lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()
