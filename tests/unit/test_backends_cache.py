from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline.backends.cache import cache_directory, cached, is_safe
from syncline.errors import EnvironmentLackError
from syncline.process import Account, Workspace

STRANGER = Account("stranger", 54321, 54321)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    path.chmod(0o755)
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(path))
    monkeypatch.setenv("SYNCLINE_CACHE_DIR", str(path / "cache"))
    yield path
    shutil.rmtree(path)


def test_the_cache_is_filled_once(place: Path) -> None:
    calls = []

    def fill(target: Path) -> None:
        calls.append(target)
        (target / "file").write_text("x")

    with Workspace.open() as workspace:
        first = cached("thing-1", fill, workspace)
        second = cached("thing-1", fill, workspace)
    assert first == second == place / "cache" / "thing-1"
    assert (first / "file").read_text() == "x"
    assert len(calls) == 1
    assert [path.name for path in (place / "cache").iterdir()] == ["thing-1"]


def test_a_filling_that_fails_leaves_nothing(place: Path) -> None:
    def fill(target: Path) -> None:
        (target / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    with Workspace.open() as workspace, pytest.raises(EnvironmentLackError, match="disk is full"):
        cached("thing-1", fill, workspace)
    assert list((place / "cache").iterdir()) == []


def test_of_two_runs_that_fill_at_once_both_get_a_whole_one(place: Path) -> None:
    def fill(target: Path) -> None:
        (place / "cache" / "thing-1").mkdir()
        (place / "cache" / "thing-1" / "file").write_text("the other run's")
        (target / "file").write_text("ours")

    with Workspace.open() as workspace:
        assert (cached("thing-1", fill, workspace) / "file").read_text() == "the other run's"


@pytest.mark.parametrize(
    ("mode", "safe"),
    [(0o755, True), (0o700, True), (0o775, False), (0o777, False), (0o1777, False)],
)
def test_a_place_that_others_can_write_is_not_used(place: Path, mode: int, safe: bool) -> None:
    (place / "cache").mkdir()
    (place / "cache").chmod(mode)
    assert is_safe(place / "cache") is safe
    assert (cache_directory() == place / "cache") is safe


def test_a_place_below_one_that_others_can_write_is_not_used_unless_it_is_sticky(
    place: Path,
) -> None:
    (place / "cache").mkdir()
    place.chmod(0o777)
    assert not is_safe(place / "cache")
    place.chmod(0o1777)
    assert is_safe(place / "cache")


def test_a_link_in_the_place_of_the_cache_is_not_followed(place: Path) -> None:
    (place / "elsewhere").mkdir()
    (place / "cache").symlink_to(place / "elsewhere")
    assert cache_directory() != place / "cache"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory away")
def test_a_place_of_another_user_is_not_used(place: Path) -> None:
    (place / "cache").mkdir()
    os.chown(place / "cache", 54321, 54321)
    assert cache_directory() != place / "cache"


def test_a_place_that_the_reader_cannot_enter_is_not_used(place: Path) -> None:
    place.chmod(0o700)
    assert cache_directory() == place / "cache"
    assert cache_directory(STRANGER) != place / "cache"
