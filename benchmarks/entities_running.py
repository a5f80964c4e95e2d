"""One server of ``benchmarks.entities_stacks``: started, asked, its CPU counted, ended."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.entities_report import Turn
from benchmarks.measure import BenchmarkError, pinned
from syncline.engine import load
from syncline.plan import Plan
from syncline_cases.entities.case import CONNECTIONS, GET, PUT, TIMEOUTS

START_S = 60
WARM_S = 0.25
WRK = """
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
local function text(count)
  local made = {}
  for index = 1, count do
    local at = math.random(62)
    made[index] = letters:sub(at, at)
  end
  return table.concat(made)
end
local bodies = {}
init = function() for index = 1, 256 do bodies[index] = text(300) end end
request = function()
  local path = "/v0/entity?id=" .. text(3)
  if METHOD == "GET" then return wrk.format("GET", path) end
  return wrk.format("PUT", path, nil, bodies[math.random(256)])
end
"""


def installed(package: str) -> bool:
    """Whether it can be imported."""
    return importlib.util.find_spec(package) is not None


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    name: str
    store: str
    durability: bool
    port: int
    process: psutil.Process

    def takes(self, store: str, method: str, generator: str) -> bool:
        """Whether it has a turn under that load."""
        if self.durability and (method, generator) != ("PUT", "syncline"):
            return False
        return store == self.store and (generator != "wrk" or shutil.which("wrk") is not None)

    def turn(self, number: int, method: str, generator: str, duration_s: float, cpu: int) -> Turn:
        """One measurement."""
        measure = self._by_wrk if generator == "wrk" else self._by_syncline
        return measure(number, method, duration_s, cpu)

    def _by_syncline(self, number: int, method: str, duration_s: float, cpu: int) -> Turn:
        plan = Plan(
            target=f"http://127.0.0.1:{self.port}",
            requests=(PUT if method == "PUT" else GET,),
            connections=CONNECTIONS,
            duration_s=duration_s + WARM_S,
            warmup_s=WARM_S,
            timeouts=TIMEOUTS,
            pin_cpus=(cpu,),
            seed=number + 1,
        )
        before = self._cpu_s()
        result = load(plan)
        spent_s = self._cpu_s() - before
        if result.failed or result.timed_out or not result.ok:
            raise BenchmarkError(f"{self.name} on {self.store} failed: {result.errors}")
        # The CPU was counted over the warm-up, too.
        requests = result.throughput_rps * (duration_s + WARM_S)
        return Turn(
            number,
            self.name,
            self.store,
            self.durability,
            method,
            "syncline",
            result.throughput_rps,
            spent_s / requests * 1e6,
            result.generator.cpu_share,
        )

    def _by_wrk(self, number: int, method: str, duration_s: float, cpu: int) -> Turn:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "load.lua")
            script.write_text(f'METHOD = "{method}"\nmath.randomseed({number + 1})\n{WRK}')
            argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(duration_s))}"]
            url = f"http://127.0.0.1:{self.port}"
            before = self._cpu_s()
            done = subprocess.run(
                pinned(cpu, [*argv, "-s", str(script), url]),
                capture_output=True,
                text=True,
                check=True,
            )
            spent_s = self._cpu_s() - before
        requests = re.search(r"(\d+) requests in", done.stdout)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        if requests is None or rate is None or "Non-2xx" in done.stdout:
            raise BenchmarkError(f"{self.name} on {self.store} failed: {done.stdout}")
        cpu_us = spent_s / int(requests[1]) * 1e6
        return Turn(
            number, self.name, self.store, self.durability, method, "wrk", float(rate[1]), cpu_us
        )

    def _cpu_s(self) -> float:
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in family)


@contextlib.contextmanager
def serving(
    name: str,
    store: str,
    durability: bool,
    argv: Sequence[str],
    env: Mapping[str, str],
    cpu: int,
) -> Iterator[Running]:
    """A server on one core; ended with its children."""
    port = _free_port()
    command = [str(port) if item == "{port}" else item for item in argv]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            pinned(cpu, [sys.executable, *command]), env=env, stdout=log, stderr=log
        )
        try:
            _await_answer(name, process, port)
            yield Running(name, store, durability, port, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(name: str, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v0/entity?id=AAA")
            answer = connection.getresponse()
            if answer.status == 200 and len(answer.read()) == 300:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise BenchmarkError(f"{name} does not serve its entities on port {port}")
