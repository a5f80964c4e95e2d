"""Rows 23 and 24: the generator's own limits are named, and make the run invalid."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from .confined import namespace
from .invariants import check
from .plans import closed, paced
from .runner import ROOT, finish_apart, run_apart, start_apart
from .servers import serve
from .servers.behaviours import Reply
from .servers.exact import Exact
from .servers.threaded import Threaded


def test_row_23_a_generator_without_descriptors_says_so() -> None:
    with serve(Threaded(Reply(after_s=0.005))) as server:
        observed = run_apart(closed(server.url, 200, 0.6), descriptors=64)
        result = check(observed)
    assert result.errors.keys() == {"generator-limit"}
    assert result.validity.status == "invalid"
    assert any("descriptor" in reason for reason in result.validity.reasons)
    assert 0 < result.connections.opened < 64
    assert result.ok > 0, "the connections that there are are used"


def test_row_23_a_generator_without_ports_says_so() -> None:
    """In a network of its own, which has 20 ports for clients."""
    plan = closed("http://127.0.0.1:0", 60, 0.6)
    observed = run_apart(plan, *namespace("--net"), serve=True, ports="40000 40019")
    result = check(observed)
    assert result.errors.keys() == {"generator-limit"}
    assert result.validity.status == "invalid"
    assert any("port" in reason for reason in result.validity.reasons)
    assert result.connections.opened <= 20


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does not run within the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("shape", ["open", "closed"])
def test_row_24_a_generator_that_was_kept_from_running_says_so(shape: str) -> None:
    stop_s = 0.7
    with serve(Exact(1_000_000)) as server:
        plan = paced(server.url, 500, 16, 2.0) if shape == "open" else closed(server.url, 4, 2.0)
        process = start_apart()

        def starve() -> None:
            while server.requests_so_far() < 200:
                time.sleep(0.01)
            with stopped(process.pid):
                time.sleep(stop_s)

        observed = finish_apart(process, plan, starve)
        result = check(observed, server.truth())
    assert result.validity.status == "invalid"
    if shape == "open":
        lateness = result.generator.lateness_us
        assert lateness is not None
        assert lateness.max >= stop_s * 1e6 * 0.9
        assert any("late" in reason for reason in result.validity.reasons)
        # What the generator owes to its own lateness is in the response time all the same.
        assert result.response_time_us is not None
        assert result.response_time_us.max >= stop_s * 1e6 * 0.9


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A command's prefix: under it the wall clock is stepped four times a second.

    The clock of a machine that others use cannot be stepped for a test; what a process is told
    of it can. What builds the engine has a C compiler as its linker.
    """
    library = tmp_path_factory.mktemp("clock") / "stepped_clock.so"
    source = ROOT / "tests/calibration/stepped_clock.c"
    compiler = shutil.which("cc")
    assert compiler is not None
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return "env", f"LD_PRELOAD={library}"


def test_row_24_a_wall_clock_that_is_stepped_meanwhile_is_in_no_measurement(
    stepping: tuple[str, str],
) -> None:
    look = (
        "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: print(time.time())"
    )
    seen = subprocess.run(
        [*stepping, sys.executable, "-c", look], check=True, capture_output=True, text=True
    )
    told = [float(line) for line in seen.stdout.splitlines()]
    assert max(told) - min(told) > 3500, "the clock is stepped for who asks for it"
    with serve(Exact(1_000_000)) as server:
        observed = run_apart(paced(server.url, 500, 16, 2.0), *stepping)
        result = check(observed, server.truth())
    assert result.planned == 1000 == result.ok + result.in_flight + result.generator.unsent
    assert result.ok > 800
    assert observed.wall_s == pytest.approx(2.0, abs=10), "a step is an hour"
    assert result.duration_s == pytest.approx(2.0, abs=1)
    ends = [one.end_s for one in result.intervals]
    assert ends == sorted(ends)
    for times in (result.service_time_us, result.response_time_us, result.generator.lateness_us):
        assert times is not None
        assert 0 <= times.min <= times.max < 1e6


def test_row_24_a_step_of_the_wall_clock_cannot_reach_a_measurement() -> None:
    """No time is ever taken from the wall clock: the engine does not read it.

    The one reader is the template that writes the time into a request.
    """
    wall_clock = re.compile(r"SystemTime|UNIX_EPOCH|ClockId::Realtime|CLOCK_REALTIME|gettimeofday")
    sources = sorted((ROOT / "engine/src").rglob("*.rs"))
    assert sources
    readers = {
        source.name
        for source in sources
        if wall_clock.search(_code(source.read_text(encoding="utf-8")))
    }
    assert readers <= {"template.rs", "clock.rs", "tls.rs"}


def _code(text: str) -> str:
    """The text without its comments."""
    return re.sub(r"//[^\n]*", "", text)
