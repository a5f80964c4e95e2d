"""The load generators that are compared, each with its command and how its output is read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkError, Spent, run

SYNCLINE = str(Path(sys.executable).with_name("syncline"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one client.

    Attributes:
        requests: whole successful responses.
        seconds: how long it sent, by its own word.
        start_cpu_s: what the same program needs to start, send one request and report.
        foreign_share: what others used of its core meanwhile.
    """

    client: str
    requests: int
    seconds: float
    cpu_s: float
    start_cpu_s: float
    peak_bytes: int
    foreign_share: float

    @property
    def cpu_us(self) -> float:
        """CPU per request in microseconds, start-up subtracted."""
        return (self.cpu_s - self.start_cpu_s) / self.requests * 1e6

    @property
    def whole_cpu_us(self) -> float:
        """CPU per request in microseconds, start-up included."""
        return self.cpu_s / self.requests * 1e6

    @property
    def rate_rps(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Client:
    """A load generator.

    Attributes:
        argv: its command for a URL, connections, seconds, and a file for a report.
        start: its command that does next to nothing, against the same URL.
        parse: (requests, seconds) from its output and the report.
        version: the command that tells its version.
        good: its exit statuses that are no failure.
    """

    name: str
    program: str
    argv: Callable[[str, int, float, str], list[str]]
    start: Callable[[str], list[str]]
    parse: Callable[[str, str], tuple[int, float]]
    version: tuple[str, ...]
    good: tuple[int, ...] = (0,)

    @property
    def here(self) -> bool:
        """Whether it is installed."""
        return shutil.which(self.program) is not None

    def start_cpu_s(self, url: str, cpu: int) -> float:
        """The CPU of its start-up: the least of five, so that noise is not subtracted."""
        return min(run(self.start(url), cpu, 30, self.good).cpu_s for _ in range(5))

    def sample(
        self, url: str, connections: int, seconds: float, cpu: int, start_cpu_s: float
    ) -> Sample:
        """Run it once and read what it says."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            argv = self.argv(url, connections, seconds, str(report))
            spent: Spent = run(argv, cpu, seconds * 2 + 60, self.good)
            text = report.read_text() if report.exists() else ""
        requests, took_s = self.parse(spent.output, text)
        if not requests:
            raise BenchmarkError(f"{self.name} had no answer from {url}")
        return Sample(
            *(self.name, requests, took_s, spent.cpu_s, start_cpu_s),
            *(spent.peak_bytes, spent.foreign_share),
        )

    def version_line(self) -> str:
        """The first line in which the program names its version."""
        done = subprocess.run(self.version, capture_output=True, text=True, check=False)
        lines = (done.stdout + done.stderr).strip().splitlines()
        first = lines[0] if lines else "unknown"
        return re.sub(r"(,? Copyright| \[epoll\]| <\$).*", "", first).removeprefix("This is ")


def _parse_syncline(_: str, report: str) -> tuple[int, float]:
    result = json.loads(report)
    if result["failed"] or result["timed_out"]:
        raise BenchmarkError(f"syncline saw errors: {result['errors']} {result['status']}")
    return int(result["ok"]), float(result["duration_s"])


def _parse_wrk(output: str, _: str) -> tuple[int, float]:
    if bad := re.search(r"Socket errors.*|Non-2xx.*", output):
        raise BenchmarkError(f"wrk saw errors: {bad[0]}")
    requests, took = _find(r"(\d+) requests in ([\d.]+)(?:s|m)", output)
    return int(requests), float(took)


def _parse_ab(output: str, _: str) -> tuple[int, float]:
    (failed,) = _find(r"Failed requests:\s+(\d+)", output)
    if int(failed):
        raise BenchmarkError(f"ab saw {failed} failed requests")
    (requests,) = _find(r"Complete requests:\s+(\d+)", output)
    (took,) = _find(r"Time taken for tests:\s+([\d.]+)", output)
    return int(requests), float(took)


def _parse_h2load(output: str, _: str) -> tuple[int, float]:
    (requests,) = _find(r"status codes: (\d+) 2xx", output)
    (took,) = _find(r"finished in ([\d.]+)s", output)
    return int(requests), float(took)


def _find(pattern: str, output: str) -> tuple[str, ...]:
    found = re.search(pattern, output)
    if not found:
        raise BenchmarkError(f"no {pattern!r} in this output:\n{output[-1000:]}")
    return found.groups()


def _whole(seconds: float) -> str:
    return str(max(1, round(seconds)))


CLIENTS = (
    Client(
        "wrk",
        "wrk",
        lambda url, c, s, _: ["wrk", "-t", "1", "-c", str(c), "-d", f"{_whole(s)}s", url],
        lambda _: ["sh", "-c", "wrk --version >/dev/null; true"],
        _parse_wrk,
        ("wrk", "--version"),
    ),
    Client(
        "syncline",
        SYNCLINE,
        lambda url, c, s, report: [
            *(SYNCLINE, "load", url, "-t", "1", "-c", str(c), "-d", _whole(s)),
            *("--json", report, "--quiet"),
        ],
        lambda url: [SYNCLINE, "load", url, "-t", "1", "-c", "1", "-n", "1", "--quiet"],
        _parse_syncline,
        (SYNCLINE, "--version"),
        good=(0, 3),  # 3: it was itself the limit, which is what it is driven to here
    ),
    Client(
        "ab",
        "ab",
        lambda url, c, s, _: [
            *("ab", "-q", "-k", "-r", "-c", str(c), "-t", _whole(s), "-n", "100000000", url)
        ],
        lambda url: ["ab", "-q", "-c", "1", "-n", "1", url],
        _parse_ab,
        ("ab", "-V"),
    ),
    Client(
        "h2load",
        "h2load",
        lambda url, c, s, _: ["h2load", "--h1", "-t", "1", "-c", str(c), "-D", _whole(s), url],
        lambda url: ["h2load", "--h1", "-t", "1", "-c", "1", "-n", "1", url],
        _parse_h2load,
        ("h2load", "--version"),
    ),
)
