"""Runs that are killed at random moments lose nothing and are whole in the end."""

from __future__ import annotations

from pathlib import Path

from tests.unit.killing import kill_and_resume


def test_killed_runs_keep_what_was_acknowledged_and_are_resumed(tmp_path: Path) -> None:
    tally = kill_and_resume(tmp_path / "runs.db", kills=10, seed=11)
    assert tally.kills >= 10
    assert tally.resumed > 0
    assert tally.acknowledged > 0
    assert (tally.lost, tally.repeated) == (0, 0)
