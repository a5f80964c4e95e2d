"""The sleep of the probe's thread: others put it off, and it does not wake up meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline_probe.waking import Waking


@pytest.fixture
def waking() -> Iterator[Waking]:
    one = Waking()
    yield one
    one.abandon()


class Sleeper:
    """A thread that sleeps once, and when it woke up."""

    def __init__(self, waking: Waking, until_s: float) -> None:
        self.woke_s = 0.0
        self._thread = threading.Thread(target=self._sleep, args=(waking, until_s), daemon=True)
        self._thread.start()

    def _sleep(self, waking: Waking, until_s: float) -> None:
        waking.sleep(until_s)
        self.woke_s = time.monotonic()

    def join(self) -> float:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.woke_s


def test_a_sleep_that_is_put_off_lasts_until_nobody_does(waking: Waking) -> None:
    until_s = time.monotonic() + 0.1
    sleeper = Sleeper(waking, until_s)
    for _ in range(10):
        time.sleep(0.02)
        until_s = time.monotonic() + 0.1
        assert waking.at(until_s)
    assert sleeper.join() >= until_s


def test_a_sleep_can_be_ended_before_its_time(waking: Waking) -> None:
    sleeper = Sleeper(waking, time.monotonic() + 3600)
    time.sleep(0.02)
    assert waking.at(time.monotonic())
    assert sleeper.join() < time.monotonic()


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
