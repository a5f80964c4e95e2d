"""Kills, full disks and missing permissions: earlier trials stay whole."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from syncline.errors import StoreError
from syncline.store import Store
from tests.unit.factories import run_record

ROOT = Path(__file__).parents[2]

NOBODY = 65534

# Adds trials as fast as it can, and tells each only after the store took it.
WRITER = """
import sys
from dataclasses import replace
sys.path.insert(0, sys.argv[1])
from tests.unit.factories import run_record
from syncline.store import Store
record = run_record(id="", status="running", trials=())
store = Store.open(sys.argv[2])
run_id = store.create_run(record)
print(run_id, flush=True)
(trial, outcome), *_ = run_record().trials
for repeat in range(1_000_000):
    store.add_trial(run_id, replace(trial, repeat=repeat), outcome)
    print(repeat, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_trial_and_leaves_no_half(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    chance = random.Random(7)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(ROOT), str(place)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            run_id = writer.stdout.readline().strip()
            # An instant between two acknowledgements, wherever that falls in a transaction.
            for _ in range(chance.randrange(1, 12)):
                writer.stdout.readline()
            for _ in range(chance.randrange(20_000)):
                pass
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged = writer.stdout.read().split()
        with Store.open(place) as store:
            run = store.load_run(run_id)
        kept = [trial.repeat for trial, _ in run.trials]
        assert run.status == "interrupted"
        assert kept == list(range(len(kept)))
        if acknowledged:
            assert int(acknowledged[-1]) in kept
    with Store.open(place) as store:
        assert len(store.runs()) == 6


def test_two_writers_share_a_store(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    argv = [sys.executable, "-c", WRITER, str(ROOT), str(place)]
    writers = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = []
    for writer in writers:
        assert writer.stdout is not None
        ids.append(writer.stdout.readline().strip())
    for writer in writers:
        assert writer.stdout is not None
        assert [writer.stdout.readline().strip() for _ in range(5)] == list("01234")
        writer.kill()
        writer.communicate()
    with Store.open(place) as store:
        assert all(len(store.load_run(run_id).trials) >= 5 for run_id in ids)


def in_child(action: Callable[[], str]) -> str:
    """What ``action`` says in a forked process, whose limits and rights are its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = action()
        except Exception as error:  # noqa: BLE001 - it is the parent's to judge
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def test_a_full_disk_is_said_and_earlier_trials_stay_whole(tmp_path: Path) -> None:
    place = tmp_path / "runs.db"
    record = run_record(id="", status="running")
    (trial, outcome), *_ = record.trials

    def fill() -> str:
        # A file that may not grow: what a full disk does to a write, without root.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = Store.open(place)
        run_id = store.create_run(record)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        for repeat in range(10_000):
            try:
                store.add_trial(run_id, replace(trial, repeat=repeat), outcome)
            except StoreError as error:
                return f"{run_id}\n{repeat}\n{error}"
        return "never full"

    run_id, count, said = in_child(fill).split("\n", 2)
    assert "the disk" in said
    assert "arlier trials are whole" in said
    with Store.open(place) as store:
        kept = store.load_run(run_id).trials
    assert [item.repeat for item, _ in kept] == list(range(int(count)))
    assert int(count) > 0


def test_a_full_file_system_is_said_and_earlier_trials_stay_whole(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system of one megabyte cannot be mounted here")
    try:
        record = run_record(id="", status="running")
        (trial, outcome), *_ = record.trials
        with Store.open(disk / "runs.db") as store:
            run_id = store.create_run(record)
            said, count = "", 0
            while not said:
                try:
                    store.add_trial(run_id, replace(trial, repeat=count), outcome)
                except StoreError as error:
                    said = str(error)
                else:
                    count += 1
            kept = [item.repeat for item, _ in store.load_run(run_id).trials]
        assert "the disk" in said
        assert "arlier trials are whole" in said
        assert kept == list(range(count))
        assert count > 0
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that a test may enter also after it gave up root's rights."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


def test_a_directory_without_permission_is_said(public: Path) -> None:
    closed = public / "closed"
    closed.mkdir(mode=0o555)

    def attempt() -> str:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            Store.open(closed / "deep" / "runs.db")
        except StoreError as error:
            return str(error)
        return "opened"

    assert "no permission" in in_child(attempt)


def test_a_store_that_may_only_be_read_is_said(public: Path) -> None:
    place = public / "runs.db"
    Store.open(place).close()
    place.chmod(0o444)
    public.chmod(0o555)

    def attempt() -> str:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            Store.open(place)
        except StoreError as error:
            return str(error)
        return "opened"

    said = in_child(attempt)
    assert "permission" in said
    assert "--store" in said
