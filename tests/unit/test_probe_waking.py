"""The sleep of the probe's thread: others put it off, and it does not wake up meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncline_probe.waking import Waking

AmidSleep = Callable[[Callable[[], object]], None]


@pytest.fixture
def waking() -> Iterator[Waking]:
    one = Waking()
    yield one
    one.abandon()


@pytest.fixture
def amid_sleep(waking: Waking, monkeypatch: pytest.MonkeyPatch) -> AmidSleep:
    """Has something done once the sleep has set its timer, and before it waits for it."""

    def arrange(call: Callable[[], object]) -> None:
        def read(descriptor: int, size: int) -> bytes:
            if descriptor == waking._descriptor:
                call()
            return os.read(descriptor, size)

        monkeypatch.setattr("syncline_probe.waking._read", read)

    return arrange


def test_a_sleep_that_is_put_off_lasts_until_nobody_does(
    waking: Waking, amid_sleep: AmidSleep
) -> None:
    later_s = time.monotonic() + 0.15
    heard: list[bool] = []
    amid_sleep(lambda: heard.append(waking.at(later_s)))
    waking.sleep(time.monotonic() + 0.05)
    assert time.monotonic() >= later_s
    assert heard == [True]


def test_a_sleep_can_be_ended_before_its_time(waking: Waking, amid_sleep: AmidSleep) -> None:
    until_s = time.monotonic() + 20
    heard: list[bool] = []
    amid_sleep(lambda: heard.append(waking.at(time.monotonic())))
    waking.sleep(until_s)
    assert time.monotonic() < until_s
    assert heard == [True]


def test_without_a_timer_it_sleeps_as_long_and_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> tuple[int, None]:
        raise OSError

    monkeypatch.setattr("syncline_probe.waking._timer", none)
    waking, until_s = Waking(), time.monotonic() + 0.05
    assert not waking.at(until_s)
    waking.sleep(until_s)
    assert time.monotonic() >= until_s
    waking.abandon()


def test_a_descriptor_that_has_become_another_s_is_left_alone(
    waking: Waking, tmp_path: Path
) -> None:
    """As services do that close all they have inherited, to be daemons."""
    path = tmp_path / "other"
    path.write_bytes(b"0123456789")
    other = os.open(path, os.O_RDONLY)
    os.dup2(other, waking._descriptor)
    until_s = time.monotonic() + 0.05
    waking.sleep(until_s)
    assert time.monotonic() >= until_s
    assert not waking.at(until_s)
    waking.abandon()
    assert os.read(waking._descriptor, 10) == b"0123456789"
    os.close(waking._descriptor)
    os.close(other)


def test_a_timer_that_another_thread_just_finds_closed_is_not_used() -> None:
    waking = Waking()
    os.close(waking._descriptor)
    found = waking._set
    assert found is not None

    def found_closed_by_another(descriptor: int, until_s: float) -> None:
        waking._set = None
        found(descriptor, until_s)

    waking._set = found_closed_by_another
    assert not waking.at(time.monotonic())


FORK = """
import os, time
from syncline_probe.waking import Waking
waking = Waking()
until_s = time.monotonic() + 0.2
waking.at(until_s)
if os.fork() == 0:
    inherited = waking._descriptor
    waking.abandon()
    assert not os.path.exists(f"/proc/self/fd/{inherited}")
    own = Waking()
    own.sleep(time.monotonic() + 0.01)
    os._exit(0)
assert os.wait()[1] == 0
os.read(waking._descriptor, 8)
assert time.monotonic() >= until_s
"""


def test_a_fork_s_child_leaves_the_timer_to_the_parent() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=20)
