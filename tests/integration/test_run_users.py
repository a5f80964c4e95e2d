"""``syncline run users`` on a real PostgreSQL, and killed in the middle in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from syncline.codec import to_json
from syncline.store import Store

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

SYNCLINE = [sys.executable, "-c", "from syncline.cli import main; main()"]
GONE_WITHIN_S = 6.0  # three at leisure: services and their database end one after the other
LIMIT_S = 60.0


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory like a user's: not pytest's, which is closed to the servers' own account."""
    with tempfile.TemporaryDirectory(prefix="syncline-test-") as name:
        path = Path(name)
        (path / "tmp").mkdir()
        path.chmod(0o711)
        yield path


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "SYNCLINE_TMPDIR": str(place / "tmp")}


def family(pid: int) -> list[psutil.Process]:
    """Every process below one."""
    return psutil.Process(pid).children(recursive=True)


def names(processes: list[psutil.Process]) -> set[str]:
    found: set[str] = set()
    for process in processes:
        try:
            found.update(
                word for word in ("postgres", "uvicorn") if word in " ".join(process.cmdline())
            )
        except psutil.NoSuchProcess:
            continue
    return found


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(processes: list[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those that still live after the time; none is what one wants."""
    deadline = time.monotonic() + limit_s
    left = processes
    while left and time.monotonic() < deadline:
        _, left = psutil.wait_procs(left, timeout=0.05)
        left = [process for process in left if lives(process)]
    return left


@contextmanager
def running(place: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*SYNCLINE, *arguments],
        cwd=place,
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until_a_trial_ended(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        if line.startswith("1/"):
            return
        said.append(line)
    raise AssertionError(f"the run ended before its first trial did:\n{''.join(said)}")


def workspaces(place: Path) -> list[Path]:
    return list((place / "tmp").glob("syncline-run-*"))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_run_killed_in_the_middle_leaves_nothing_but_its_trials(
    place: Path, number: signal.Signals
) -> None:
    arguments = ("run", "users", "--connections", "1,4,8,12", "--duration", "2")
    with running(place, *arguments) as process:
        until_a_trial_ended(process)
        started = family(process.pid)
        assert names(started) == {"postgres", "uvicorn"}
        process.send_signal(number)
        left = wait_until_gone(started, GONE_WITHIN_S)
        assert left == []
        process.communicate(timeout=LIMIT_S)
    if number is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert subprocess.run(
            [*SYNCLINE, "run", "users", "--variant", "async", "-c", "1", "-d", "1"],
            cwd=place,
            env=environment(place),
            capture_output=True,
            check=False,
        ).returncode in (0, 3)  # a busy machine may make it invalid, which is not the point
    else:
        assert process.returncode == 130
    assert workspaces(place) == []
    with Store.open(place / ".syncline" / "runs.db") as store:
        run = store.load_run(store.runs()[-1].id)
    assert run.status == "interrupted"
    assert 1 <= len(run.trials) < len(run.planned)
    assert all(outcome.result is not None for _, outcome in run.trials)


@pytest.mark.timeout(300)  # beside other work, its proofs take their time
def test_a_run_leaves_json_a_report_and_a_record(place: Path) -> None:
    done = subprocess.run(
        [*SYNCLINE, "run", "users", "-c", "2,200", "-d", "3", "--quick", "--json", "out.json"],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert "syncline-report/users.md" in done.stdout, done.stderr
    assert "async" in (place / "syncline-report" / "users.md").read_text()
    data = json.loads((place / "out.json").read_text())
    grave = {item["variant"] for item in data["findings"] if item["severity"] == "error"}
    assert done.returncode in (0, 3) or (done.returncode == 1 and grave - {"sync"}), done.stderr
    swept = [item for item in data["trials"] if item["phase"] == "sweep"]
    seen = {(item["variant"], item["load"]["connections"]) for item in swept}
    assert seen == {("sync", 2), ("sync", 200), ("async", 2), ("async", 200)}
    for item in data["trials"]:
        result = item["result"]
        assert result["ok"] > 0 or item["hang"] is not None
        assert item["validity"]["status"] in ("valid", "invalid")
        ended = result["ok"] + result["failed"] + result["timed_out"]
        assert result["started"] == ended + result["in_flight"]
    assert data["environment"]["libraries"]["uvicorn"]
    with Store.open(place / ".syncline" / "runs.db") as store:
        run = store.load_run(data["id"])
    assert run.status == "finished"
    assert run.missing == ()
    assert to_json(run.findings) == data["findings"]
    check_proof(data, done.stdout)


def check_proof(data: dict[str, Any], printed: str) -> None:
    """Of the deadlock, if this machine let it come about: that admission ends it."""
    found = next((one for one in data["findings"] if one["code"] == "pool-deadlock"), None)
    if found is None:
        return
    proof = found["verification"]
    assert proof["imposed"] == {"admission": "54"}
    tried = [item for item in data["trials"] if item["phase"] == "verification"]
    assert {item["about"] for item in tried} == {"pool-deadlock of sync"}
    assert {item["variant"] for item in tried} == {"sync", "sync+admission=54"}
    assert {item["load"]["connections"] for item in tried} == {2, 200}
    main = proof["levels"][0]
    assert main["level"] == 200
    fixed = [item for item in tried if item["variant"] == "sync+admission=54"]
    assert all(item["hang"] is None for item in fixed)
    if main["fixed"]["errors"] <= 0.05:  # else too slow a machine for the quick time-outs
        assert main["fixed"]["broke"] == 0
        if main["original"]["broke"] == main["original"]["trials"] > 0:  # else chance spared it
            assert proof["status"] == "fixed"
            assert main["fixed"]["rate_rps"] > main["original"]["rate_rps"]
    assert f"Proof: {proof['status']}" in printed


def test_json_has_standard_output_to_itself(place: Path) -> None:
    done = subprocess.run(
        [*SYNCLINE, *["run", "users", "--variant", "async", "-c", "1", "-d", "1", "--json", "-"]],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert json.loads(done.stdout)["case"] == "users"
    assert "syncline-report/users.md" in done.stderr


def test_serve_answers_until_it_is_stopped_and_takes_all_along(place: Path) -> None:
    import urllib.request

    with running(place, "serve", "users", "--variant", "async") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        database = process.stdout.readline()
        assert database.startswith("postgres: postgresql")
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            assert len(json.load(answer)) > 0
        started = family(process.pid)
        assert names(started) == {"postgres", "uvicorn"}
        process.send_signal(signal.SIGINT)
        assert wait_until_gone(started, GONE_WITHIN_S) == []
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert workspaces(place) == []


def test_a_database_that_does_not_answer_is_one_sentence(place: Path) -> None:
    done = subprocess.run(
        [*SYNCLINE, "run", "users", "--database-url", "postgresql://me:hunter2@nosuch.invalid/x"],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "nosuch.invalid" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
