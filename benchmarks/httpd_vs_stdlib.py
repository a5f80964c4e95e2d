"""How fast the case's file server is beside Python's own, serving the same file.

Run ``python benchmarks/httpd_vs_stdlib.py`` with wrk on the path. Every round measures every
server once, each in a fresh process, in an order that turns around from round to round, so
that a drift of the machine meets all of them. The figure to look at is the ratio within a
round; its median over the rounds goes into ``results/httpd-vs-stdlib.md``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parent / "python"
RESULT = HERE / "results" / "httpd-vs-stdlib.md"

# As the standard library ships it, but without its line per request.
STDLIB = """
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

class Handler(SimpleHTTPRequestHandler):
    protocol_version = sys.argv[2]
    def log_message(self, format, *arguments):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    def handle_error(self, request, client_address):
        pass

server = Server(("127.0.0.1", 0), partial(Handler, directory=sys.argv[1]))
print(f"Serving on 127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
"""
HTTPD = ("-m", "syncline_cases.httpd", "-q", "0", "-r")


@dataclass(frozen=True, slots=True)
class Candidate:
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    rate_rps: float
    errors: str


def candidates(folder: str) -> list[Candidate]:
    """The first is what the others are compared with."""
    ours = (*HTTPD, folder)
    return [
        Candidate("http.server, as it ships (HTTP/1.0)", ("-c", STDLIB, folder, "HTTP/1.0")),
        Candidate("http.server, keep-alive (HTTP/1.1)", ("-c", STDLIB, folder, "HTTP/1.1")),
        Candidate("httpd -w 1", (*ours, "-w", "1")),
        Candidate("httpd -w 10", (*ours, "-w", "10")),
        Candidate("httpd -w 1 --hand-back", (*ours, "-w", "1", "--hand-back")),
        Candidate("httpd -w 10 --hand-back", (*ours, "-w", "10", "--hand-back")),
    ]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=int, default=3, help="seconds of load per server")
    parser.add_argument("--connections", type=int, default=100)
    options = parser.parse_args(argv)
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not installed; it drives both servers.")
    command = [wrk, "-t1", f"-c{options.connections}", f"-d{options.duration}s"]

    with tempfile.TemporaryDirectory() as folder:
        _python("-m", "syncline_cases.httpd.prepare", folder)
        servers = candidates(folder)
        found: dict[str, list[Measured]] = {server.name: [] for server in servers}
        for number in range(options.rounds):
            for server in servers if number % 2 == 0 else reversed(servers):
                with _serving(server) as port:
                    measured = _measure(command, port)
                found[server.name].append(measured)
                print(f"round {number + 1}  {server.name:<38} {measured.rate_rps:>9,.0f} req/s")
    text = _report(found, options)
    RESULT.write_text(text)
    print(text)


@contextmanager
def _serving(server: Candidate) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, *server.arguments], stderr=subprocess.PIPE, text=True, env=_environment()
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = re.search(r":(\d+)$", line)
        if port is None:
            sys.exit(f"{server.name} did not start: {line}{process.stderr.read()}")
        yield int(port[1])
    finally:
        process.kill()
        process.communicate()


def _measure(command: list[str], port: int) -> Measured:
    url = f"http://127.0.0.1:{port}/index.html"
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    errors = re.search(r"Socket errors: (.+)", done.stdout)
    assert rate is not None
    assert "Non-2xx" not in done.stdout
    return Measured(float(rate[1]), errors[1] if errors else "none")


def _report(found: dict[str, list[Measured]], options: argparse.Namespace) -> str:
    first = next(iter(found.values()))
    version = ".".join(map(str, sys.version_info[:3]))
    lines = [
        "# The case's file server beside Python's own",
        "",
        f"CPython {version}, {os.cpu_count()} cores, one file of 4 KB, wrk with one thread and "
        f"{options.connections} connections, {options.duration} s per server and round, "
        f"{options.rounds} rounds, servers in alternating order. Neither server logs. Ratios are "
        "to `http.server.ThreadingHTTPServer` in the same round; the median is given, and the "
        "least and the greatest of all rounds.",
        "",
        "| server | req/s, median | ratio | least – greatest | wrk's socket errors, last round |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, rounds in found.items():
        rates = [measured.rate_rps for measured in rounds]
        ratios = [
            rate / base.rate_rps for rate, base in zip(rates, first, strict=True) if base.rate_rps
        ]
        lines.append(
            f"| {name} | {statistics.median(rates):,.0f} | {statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} – {max(ratios):.2f} | {rounds[-1].errors} |"
        )
    lines += [
        "",
        "Without `--hand-back` a worker owns a connection until it closes, so only as many of "
        "the connections are served as there are workers; wrk does not say so. Compare "
        "throughput where all connections are served: `http.server` and `--hand-back`.",
        "",
        "Written by `benchmarks/httpd_vs_stdlib.py`.",
        "",
    ]
    return "\n".join(lines)


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PYTHON)}


if __name__ == "__main__":
    main()
