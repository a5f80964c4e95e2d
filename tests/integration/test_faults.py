"""A service's known fault is named first, from a real run, and its healthy twin is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncline.errors import EnvironmentLackError
from tests.faults.registry import fault
from tests.faults.running import Told, right, told

DURATION_S = 2.5
WITH_POSTGRES = ("deadlock-dependency", "lazy-django")
WITHOUT = ("starved-threads",)


def once(name: str, side: str) -> tuple[Told, bool]:
    one = fault(name)
    if not one.stops:
        one = replace(one, duration_s=DURATION_S)
    try:
        for _ in range(3):
            found = told(one, "fault" if side == "fault" else "twin")
            if not found.spoilt:  # else it is no measurement, by its own judgement
                break
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))
    return found, right(one, found)


@pytest.mark.postgres
@pytest.mark.parametrize("name", WITH_POSTGRES)
def test_a_fault_is_named_first(name: str) -> None:
    found, well = once(name, "fault")
    assert well, (found.named, found.findings)


@pytest.mark.postgres
def test_a_healthy_twin_is_left_alone() -> None:
    found, well = once("lock-flask", "twin")
    assert well, found.alarms


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("side", ["fault", "twin"])
def test_a_server_without_a_framework_is_told_from_outside(name: str, side: str) -> None:
    found, well = once(name, side)
    assert well, (found.named, found.findings)


@pytest.mark.postgres
def test_a_lock_is_told_with_the_line_that_takes_it() -> None:
    found, _ = once("lock-asyncio", "fault")
    first = found.findings[0]
    assert first.code == "lock-contention"
    assert "fastapi_async.py:" in first.summary
    assert first.fix is not None
    assert "fastapi_async.py:" in first.fix.edit
