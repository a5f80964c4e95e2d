"""A program fills the database: what it refuses is the user's to change, what breaks is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline.errors import ServiceStartError, UsageError
from syncline.experiment.tools import prepare
from syncline.process import Workspace

REFUSES = "import sys; print('ROWS is 3', file=sys.stderr); sys.exit(2)"
BREAKS = "raise RuntimeError('no such server')"


def run(program: str, folder: Path) -> None:
    (folder / "filling.py").write_text(program)
    with Workspace.open() as workspace:
        prepare("filling", {"PYTHONPATH": str(folder)}, workspace)


def test_what_is_refused_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^ROWS is 3$"):
        run(REFUSES, tmp_path)


def test_what_breaks_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ServiceStartError, match=r"ended with 1(.|\n)*no such server"):
        run(BREAKS, tmp_path)


def test_what_is_done_is_done(tmp_path: Path) -> None:
    run("", tmp_path)
