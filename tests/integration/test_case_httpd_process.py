"""The file server as a program: its command line, its signals, its output."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.httpd_servers import fill
from tests.integration.raw_http import RawClient

PYTHON = Path(__file__).parents[2] / "python"


@contextmanager
def started(
    *arguments: str, module: str = "syncline_cases.httpd", **env: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program and its port, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PYTHON), **env},
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = re.search(r":(\d+)$", line)
        assert port is not None, line + process.stderr.read()
        yield process, int(port[1])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    fill(tmp_path / "root")
    return str(tmp_path / "root")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("mode", [(), ("--hand-back",)])
def test_a_signal_ends_it_cleanly_with_an_idle_connection_open(
    folder: str, mode: tuple[str, ...], number: signal.Signals
) -> None:
    with (
        started("-w", "2", "-r", folder, *mode) as (process, port),
        RawClient(port) as idle,
        RawClient(port) as client,
    ):
        assert idle.get("/").status == 200
        assert client.get("/missing").status == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert idle.rest() == client.rest() == b""
    lines = sorted(out.splitlines(), key=lambda line: line.rpartition('"')[2])
    assert len(lines) == 2
    assert re.fullmatch(r'127\.0\.0\.1 - - \[.+\] "GET / HTTP/1\.1" 200 12', lines[0])
    assert lines[1].endswith('"GET /missing HTTP/1.1" 404 14')


def test_q_stops_the_lines(folder: str) -> None:
    with started("-q", "-r", folder) as (process, port), RawClient(port) as client:
        assert client.get("/").status == 200
        process.terminate()
        assert process.communicate(timeout=20)[0] == ""


def test_what_a_client_sends_cannot_steer_the_terminal(folder: str) -> None:
    with started("-r", folder) as (process, port), RawClient(port) as client:
        client.send(b'GET /\x1b[2J\xc3\xbc\\" HTTP/1.1\r\n\r\n')
        assert client.answer().status == 400
        process.terminate()
        line = process.communicate(timeout=20)[0]
    assert r'"GET /\x1b[2J\xc3\xbc\x5c\x22 HTTP/1.1" 400' in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-r", "/nowhere", "0"], "/nowhere"),
        (["-w", "0", "0"], "1 to 1000"),
        (["70000"], "0 to 65535"),
        (["http"], "PORT"),
        ([], "PORT"),
    ],
)
def test_a_wrong_command_is_told_in_words(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncline_cases.httpd", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PYTHON)},
    )
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_in_words(folder: str) -> None:
    with started("-r", folder) as (_, port):
        done = subprocess.run(
            [sys.executable, "-m", "syncline_cases.httpd", "-r", folder, str(port)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PYTHON)},
        )
    assert done.returncode == 1
    assert done.stderr.startswith("httpd cannot start: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("content", "status"), [("seeded", 200), ("none", 404)])
def test_the_seeded_server_brings_its_folder_and_takes_it_away(
    tmp_path: Path, content: str, status: int
) -> None:
    with (
        started(
            "-q",
            module="syncline_cases.httpd.seeded",
            TMPDIR=str(tmp_path),
            SYNCLINE_CONTENT=content,
        ) as (process, port),
        RawClient(port) as client,
    ):
        assert client.get("/").status == status
        assert any(tmp_path.iterdir())
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == 0
    assert not any(tmp_path.iterdir())


def test_the_log_can_go_to_a_terminal(tmp_path: Path) -> None:
    with (
        started(
            module="syncline_cases.httpd.seeded", TMPDIR=str(tmp_path), SYNCLINE_STDOUT="terminal"
        ) as (process, port),
        RawClient(port) as client,
    ):
        assert client.get("/").status == 200
        assert process.stdout is not None
        # It comes at once, without the end of the process: a terminal is written by lines.
        assert process.stdout.readline().endswith('"GET / HTTP/1.1" 200 4096\n')
