from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline.process import Account, can_reach, unprivileged

STRANGER = Account("stranger", 54321, 54321)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everyone can reach, which those of pytest are not."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize(
    ("directory", "file", "reached"),
    [(0o755, 0o644, True), (0o711, 0o644, True), (0o700, 0o644, False), (0o755, 0o640, False)],
)
def test_every_directory_on_the_way_counts(
    place: Path, directory: int, file: int, reached: bool
) -> None:
    (place / "file").write_text("x")
    (place / "file").chmod(file)
    place.chmod(directory)
    assert can_reach(STRANGER, place / "file") is reached


def test_a_missing_file_is_not_reached(place: Path) -> None:
    assert not can_reach(STRANGER, place / "none")


def test_root_hands_servers_to_an_account_without_rights() -> None:
    account = unprivileged()
    assert (account is None) == (os.geteuid() != 0)
    if account is not None:
        assert account.uid != 0
