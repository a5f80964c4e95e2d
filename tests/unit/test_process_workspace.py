from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

import pytest

from syncline.errors import EnvironmentLackError
from syncline.process import Workspace, lack
from syncline.process.workspace import remove_stale


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(tmp_path))
    return tmp_path


def test_a_workspace_is_gone_when_it_is_closed(base: Path) -> None:
    with Workspace.open() as workspace:
        (workspace.directory("data") / "file").write_text("x")
        assert workspace.path.parent == base
    assert list(base.iterdir()) == []


def test_a_dead_runs_workspace_is_removed_and_a_living_ones_stays(base: Path) -> None:
    dead = Workspace.open()
    (dead.directory("data") / "file").write_text("x")
    os.close(dead.lock)  # as the end of its process would
    with Workspace.open() as living, Workspace.open() as another:
        assert not dead.path.exists()
        assert living.path.is_dir()
        assert another.path.is_dir()


def test_a_workspace_without_a_lock_file_is_a_dead_runs(base: Path) -> None:
    (base / "syncline-run-x").mkdir()
    assert remove_stale(base) == (base / "syncline-run-x",)


def test_a_workspace_that_is_just_being_made_stays_until_it_is_old(base: Path) -> None:
    young = base / "syncline-new-x"
    young.mkdir()
    assert remove_stale(base) == ()
    os.utime(young, (time.time() - 3600,) * 2)
    assert remove_stale(base) == (young,)


def test_what_only_looks_like_a_workspace_is_left_alone(base: Path) -> None:
    elsewhere = base / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (base / "syncline-run-link").symlink_to(elsewhere)
    (base / "syncline-run-file").write_text("x")
    assert remove_stale(base) == ()
    assert (elsewhere / "precious").exists()
    assert (base / "syncline-run-file").exists()


def test_a_lock_file_that_is_a_link_is_not_followed(base: Path) -> None:
    victim = base / "victim"
    victim.write_text("x")
    with victim.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (base / "syncline-run-x").mkdir()
        (base / "syncline-run-x" / "lock").symlink_to(victim)
        assert remove_stale(base) == (base / "syncline-run-x",)
    assert victim.read_text() == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory away")
def test_another_users_workspace_is_left_alone(base: Path) -> None:
    theirs = base / "syncline-run-theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    assert remove_stale(base) == ()


def test_only_root_lets_others_through(base: Path) -> None:
    with Workspace.open() as workspace:
        mode = workspace.path.stat().st_mode & 0o777
        assert mode == (0o711 if os.geteuid() == 0 else 0o700)
        assert workspace.directory("data").stat().st_mode & 0o777 == 0o700


def test_a_place_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_TMPDIR", "/nowhere/at/all")
    with pytest.raises(EnvironmentLackError, match="SYNCLINE_TMPDIR names /nowhere/at/all, which"):
        Workspace.open()


def test_a_place_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even root can make a directory there.
    monkeypatch.setenv("SYNCLINE_TMPDIR", "/proc/self/net")
    with pytest.raises(EnvironmentLackError, match="Cannot make a directory for the run in /proc/"):
        Workspace.open()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "no permission"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_is_lacking_is_said_in_one_sentence_with_a_way_out(number: int, words: str) -> None:
    message = str(lack(OSError(number, os.strerror(number)), "write", Path("/place")))
    assert message.startswith("Cannot write in /place: ")
    assert words in message
    assert "SYNCLINE_TMPDIR" in message
