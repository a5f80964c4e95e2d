"""Services with a probe inside and a reader beside, and waiting for what is to be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from syncline.launch import Service, Workspace, start_service
from syncline.observe.probe import ProbeReader
from syncline.trial import Variant

Seen = TypeVar("Seen")
APP = "tests.integration.probe_app:app"
APP_FILE = Path(__file__).with_name("probe_app.py")
WSGI = "tests.integration.probe_wsgi:app"


@contextmanager
def probed(
    variant: Variant, env: Mapping[str, str] | None = None, ready_path: str = "/sync/0"
) -> Iterator[tuple[Service, ProbeReader]]:
    """The variant, served, on a database of its own."""
    with Workspace.open() as workspace, ProbeReader(workspace.path) as reader:
        database = {"SYNCLINE_TEST_DATABASE": str(workspace.path / "test.db")}
        with start_service(
            variant,
            workspace=workspace,
            env={**database, **reader.env(), **(env or {})},
            ready_path=ready_path,
        ) as service:
            yield service, reader


@contextmanager
def script(
    code: str, reader: ProbeReader, python: str = sys.executable, **env: str
) -> Iterator[subprocess.Popen[str]]:
    """A plain Python program under the probe; its standard input ends with the block."""
    with subprocess.Popen(
        [python, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **reader.env(), **env},
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(20)
            finally:
                process.kill()


def get(service: Service, path: str) -> bytes:
    with urllib.request.urlopen(service.url + path, timeout=60) as answer:
        body: bytes = answer.read()
    return body


def get_all(service: Service, paths: list[str], at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda path: get(service, path), paths))


def eventually(look: Callable[[], Seen | None], timeout_s: float = 30) -> Seen:
    """What ``look`` sees once it sees something; it may take as long as the machine is slow."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, "never seen"
        time.sleep(0.02)


def last(reader: ProbeReader, name: str) -> float:
    """The latest value of a series; -1 if there is none."""
    value = reader.latest().get(name)
    return -1.0 if value is None else value


def routes(reader: ProbeReader) -> dict[str, dict[str, Any]]:
    """The routes' rows, added up over the processes: requests, statements, least and most."""
    found: dict[str, dict[str, Any]] = {}
    for summary in reader.summaries().values():
        for row in rows(summary, "routes"):
            known = found.setdefault(row["route"], dict.fromkeys(("requests", "statements"), 0))
            known["requests"] += row["requests"]
            known["statements"] += row["statements"]
            if row["requests"]:
                least = known.get("least", row["statements_min"])
                known["least"] = min(least, row["statements_min"])
                known["most"] = max(known.get("most", 0), row["statements_max"])
    return found


def place_of(file: Path, text: str) -> int:
    """The number of the line that holds the text."""
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def rows(table: Mapping[str, object], name: str) -> list[dict[str, Any]]:
    """The rows of that name in a summary, or in stacks."""
    found = table.get(name, [])
    assert isinstance(found, list)
    return found


def values(reader: ProbeReader, name: str) -> list[float]:
    """All values of a series."""
    series = reader.series().get(name)
    return [value for value in series.value if value is not None] if series else []
