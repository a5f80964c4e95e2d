"""How the probe gets into a process, and that it does no harm there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import syncline_probe
from syncline.observe.probe import ProbeReader
from syncline.outcome import Series
from syncline_probe.channel import Channel
from tests.integration.probed import eventually, script

INJECT = str(Path(syncline_probe.__file__).with_name("inject"))
WAIT = "import sys; sys.stdin.read()"


def alive(reader: ProbeReader) -> list[int]:
    return [one.pid for one in reader.processes() if one.alive]


def test_a_forked_child_reports_for_itself(tmp_path: Path) -> None:
    code = "import os, sys; pid = os.fork(); sys.stdin.read(); pid and os.waitpid(pid, 0)"
    with ProbeReader(tmp_path) as reader, script(code, reader) as process:
        eventually(lambda: len(alive(reader)) == 2)
        parent, child = sorted(reader.processes(), key=lambda one: one.ppid == process.pid)
        assert parent.pid == process.pid
        assert child.ppid == process.pid
        for pid in (parent.pid, child.pid):
            eventually(partial(_own_series, reader, pid))


def _own_series(reader: ProbeReader, pid: int) -> Series | None:
    return reader.series(by_process=True).get(f"probe.threads[{pid}]")


def test_a_sitecustomize_that_was_there_still_runs(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("import builtins; builtins.theirs = __name__\n")
    code = f"print(theirs, flush=True); {WAIT}"
    with ProbeReader(tmp_path) as reader:
        path = reader.env({"PYTHONPATH": str(theirs)})["PYTHONPATH"]
        with script(code, reader, PYTHONPATH=path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "sitecustomize\n"
            eventually(lambda: alive(reader))


def test_a_foreign_interpreter_gets_the_probe_and_nothing_else_of_ours(tmp_path: Path) -> None:
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    code = (
        "import sys, importlib.util as u; sys.stdout.write(str(["
        "'syncline_probe' in sys.modules, u.find_spec('syncline'), u.find_spec('sqlalchemy')"
        "]) + chr(10)); sys.stdout.flush(); sys.stdin.read()"
    )
    with ProbeReader(tmp_path) as reader, script(code, reader, base) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[True, None, None]\n"
        eventually(lambda: alive(reader))


def test_without_a_socket_the_probe_is_not_even_loaded() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE")}
    code = "import sys; print([one for one in sys.modules if 'syncline_probe' in one])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "PYTHONPATH": INJECT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""


def test_a_hook_that_breaks_is_off_and_said_once(tmp_path: Path) -> None:
    library = tmp_path / "libraries" / "sqlalchemy"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("fine = True\n")
    code = f"import sqlalchemy; print(sqlalchemy.fine, flush=True); {WAIT}"
    with ProbeReader(tmp_path) as reader:
        path = reader.env({"PYTHONPATH": str(library.parent)})["PYTHONPATH"]
        with script(code, reader, PYTHONPATH=path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            eventually(lambda: len(reader.events()) >= 2)
            # Ten samples later there is no more to be said.
            before = len(_points(reader))
            eventually(lambda: len(_points(reader)) >= before + 10)
            failed = [one.fields["hook"] for one in reader.events() if one.name == "hook-failed"]
    assert sorted(map(str, failed)) == ["sqlalchemy_pools", "sqlalchemy_statements"]


def _points(reader: ProbeReader) -> tuple[float | None, ...]:
    series = reader.series().get("probe.threads")
    return series.value if series else ()


def test_a_listener_that_never_reads_does_not_make_the_sender_wait(tmp_path: Path) -> None:
    path = tmp_path / "deaf.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        channel = Channel(str(path))
        assert channel.connected()
        for _ in range(20_000):  # twenty times what the backlog holds; a wait would never end
            channel.send({"kind": "sample", "text": "x" * 1000})
        assert channel.dropped > 10_000
        channel.abandon()


def test_a_listener_that_dies_is_found_again(tmp_path: Path) -> None:
    with ProbeReader(tmp_path) as first, script(WAIT, first) as process:
        eventually(lambda: alive(first))
        path = Path(first.env()["SYNCLINE_PROBE_SOCKET"])
        first._socket.close()
        assert process.poll() is None
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(1)
            listener.settimeout(20)
            connection, _ = listener.accept()
            with connection, connection.makefile() as lines:
                hello = json.loads(lines.readline())
        path.unlink()
    assert (hello["kind"], hello["pid"]) == ("hello", process.pid)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\xff\xfe rubbish\n",
        b"[" * 100_000 + b"\n",
        b'{"kind": "sample", "values": {}}\n',
        b'{"kind": "hello", "pid": 1, "ppid": 1, "nonce": "wrong"}\n',
        b'{"kind": "hello", "pid": "1", "ppid": null, "nonce": 7}\n',
        b"x" * (5 << 20),
    ],
    ids=["bytes", "depth", "no hello", "wrong nonce", "wrong types", "endless line"],
)
def test_rubbish_on_the_socket_is_cut_off_and_others_are_heard(
    tmp_path: Path, rubbish: bytes
) -> None:
    with ProbeReader(tmp_path) as reader:
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(reader.env()["SYNCLINE_PROBE_SOCKET"])
            stranger.settimeout(20)
            try:
                stranger.sendall(rubbish)
                assert stranger.recv(1) == b""
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert reader.processes() == ()
        with script(WAIT, reader):
            eventually(lambda: alive(reader))


def test_what_a_process_sends_is_bounded(tmp_path: Path) -> None:
    with ProbeReader(tmp_path) as reader, socket.socket(socket.AF_UNIX) as sender:
        env = reader.env()
        sender.connect(env["SYNCLINE_PROBE_SOCKET"])
        hello = {"kind": "hello", "pid": 1, "ppid": 1, "nonce": env["SYNCLINE_PROBE_NONCE"]}
        many = {"kind": "sample", "t_s": 1e15, "values": {f"n{n}": n for n in range(5000)}}
        odd = {
            "kind": "sample",
            "t_s": "soon",
            "values": {"a": "1", "b": None, "c": 1e999, "x" * 999: 1, "d\x1b[2J": 1, "ok": 2},
        }
        event = {"kind": "event", "name": "noise"}
        messages = [hello, odd, many, *[event] * 5000]
        sender.sendall("".join(json.dumps(one) + "\n" for one in messages).encode())
        eventually(lambda: len(reader.events()) == 2000)
        assert reader.latest()["probe.ok"] == 2
        assert len(reader.series()) == 200
