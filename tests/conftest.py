"""What holds for every test: in CI, a server or browser that is missing is a failure."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

SERVERS = ("postgres", "mariadb", "valkey", "browser")


def pytest_configure() -> None:
    """Under ``nohup`` or as a script's background job signals come ignored, and every child would
    inherit that; a handler is reset when another program is executed."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test that needs a server into a failure where CI is set."""
    report = yield
    needs_server = any(item.get_closest_marker(name) for name in SERVERS)
    if needs_server and report.skipped and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI is set, so a missing server is a failure: {reason}"
    return report
