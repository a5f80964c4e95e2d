"""Rows 23 and 24: the generator's own limits are named, and make the run invalid."""

from __future__ import annotations

import contextlib
import os
import re
import signal
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


def test_row_24_a_step_of_the_wall_clock_cannot_reach_a_measurement() -> None:
    """No time is ever taken from the wall clock: the engine does not read it.

    Stepping the clock of a machine that others use is no test to run; what is read can be
    seen in the source. The one reader is the template that writes the time into a request.
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
