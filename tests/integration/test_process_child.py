"""Children and their guards, with real processes."""

from __future__ import annotations

import ast
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from syncline.errors import EnvironmentLackError, UsageError
from syncline.process import (
    Child,
    ChildSpec,
    Workspace,
    check_port_free,
    free_port,
    listening_ports,
    spawn,
    unprivileged,
)
from tests.integration.children import LIMIT_S, ROOT, alive, eventually, family, holder

DAEMON = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(f"daemon {os.getpid()}", flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(tmp_path))
    with Workspace.open() as opened:
        yield opened


def python(workspace: Workspace, program: str, **fields: object) -> Child:
    argv = (sys.executable, "-u", "-c", program)
    return spawn(ChildSpec(argv, workspace, **fields))  # type: ignore[arg-type]


def daemon_of(child: Child) -> int:
    assert eventually(lambda: "daemon" in child.log_tail())
    return int(child.log_tail().split()[1])


def test_the_exit_status_and_the_last_words_are_kept(workspace: Workspace) -> None:
    child = python(
        workspace, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    )
    assert child.wait(LIMIT_S) == 7
    assert sorted(child.log_tail().split()) == ["err", "out"]
    assert child.stop() == 7
    assert "out" in child.log_tail()


def test_a_signals_end_is_a_negative_status(workspace: Workspace) -> None:
    with python(workspace, "import os; os.kill(os.getpid(), 9)") as child:
        assert child.wait(LIMIT_S) == -signal.SIGKILL


def test_waiting_ends_in_time_while_the_child_lives(workspace: Workspace) -> None:
    with python(workspace, "import time; time.sleep(600)") as child:
        assert child.wait(0.05) is None
        assert child.poll() is None
        assert child.pid in child.pids()


def test_stopping_wakes_a_thread_that_waits(workspace: Workspace) -> None:
    child = python(workspace, "import time; time.sleep(600)")
    found: list[int | None] = []
    waiter = threading.Thread(target=lambda: found.append(child.wait()))
    waiter.start()
    child.stop()
    waiter.join(LIMIT_S)
    assert found == [-signal.SIGTERM]


def test_a_child_that_ignores_the_signal_is_killed_after_the_grace(workspace: Workspace) -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)"
    child = python(workspace, program)
    assert eventually(lambda: "up" in child.log_tail())
    assert child.stop(grace_s=0.1) == -signal.SIGKILL


def test_a_stopped_child_can_be_ended(workspace: Workspace) -> None:
    child = python(workspace, "import time; time.sleep(600)")
    os.kill(child.pid, signal.SIGSTOP)
    assert child.stop() == -signal.SIGTERM


def test_a_daemon_that_left_its_session_and_its_parent_is_ended(workspace: Workspace) -> None:
    child = python(workspace, DAEMON)
    daemon = daemon_of(child)
    assert child.wait(LIMIT_S) == 0
    assert child.pids() == (daemon,)
    child.stop()
    assert alive([daemon]) == []


def test_processes_that_keep_forking_are_ended(workspace: Workspace) -> None:
    program = (
        "import os, time, signal\nsignal.signal(15, signal.SIG_IGN)\nprint('up')\n"
        "for _ in range(2000):\n"
        "    if os.fork(): os._exit(0)\n"
        "    time.sleep(0.002)\n"
    )
    child = python(workspace, program)
    assert eventually(lambda: "up" in child.log_tail())
    guard = psutil.Process(child._guard.pid)
    child.stop(grace_s=0)
    assert child.pids() == ()
    assert not guard.is_running()


def test_an_endless_printer_leaves_a_bounded_log_and_is_never_held_up(workspace: Workspace) -> None:
    program = "import sys\nn = 0\nwhile n < 50_000:\n    n += 1; print('line', n)\nprint('last')"
    child = python(workspace, program, log_head_bytes=4096, log_tail_bytes=8192)
    assert child.wait(LIMIT_S * 2) == 0
    child.stop()
    text = child.log_tail(10**9)
    assert text.startswith("line 1\n")
    assert text.endswith("line 50000\nlast")
    assert "bytes of output left out here" in text
    kept = sum(path.stat().st_size for path in child.log_path.parent.iterdir())
    assert kept <= 4096 + 8192 + 8


def test_output_that_cannot_be_written_is_told_and_holds_nothing_up(workspace: Workspace) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, usual[1]))
    try:
        child = python(workspace, "for _ in range(50_000): print('words')")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert child.wait(LIMIT_S) == 0
    child.stop()
    assert child.log_tail() == "word\n[output was lost from here on: File too large]"


def test_a_child_outlives_the_thread_that_started_it(workspace: Workspace) -> None:
    started: list[Child] = []
    thread = threading.Thread(
        target=lambda: started.append(python(workspace, "input = __import__('time').sleep(600)"))
    )
    thread.start()
    thread.join()
    (child,) = started
    # A parent-death signal of that thread would have come by the time its task is gone.
    assert child.wait(0.3) is None
    child.stop()


def test_a_program_that_is_not_there_is_said_in_a_sentence(workspace: Workspace) -> None:
    with pytest.raises(EnvironmentLackError, match=r"Cannot start x \(/no/such\): No such file"):
        spawn(ChildSpec(("/no/such",), workspace, name="x"))


def test_a_child_sees_the_environment_given_byte_for_byte(workspace: Workspace) -> None:
    value = os.fsdecode(b"caf\xc3\xa9 \xff")
    program = "import os; print(os.environb[b'VALUE'])"
    with python(workspace, program, env={**os.environ, "VALUE": value}) as child:
        assert child.wait(LIMIT_S) == 0
        assert child.log_tail() == repr(b"caf\xc3\xa9 \xff")


def test_a_child_inherits_no_descriptor_but_the_standard_ones(workspace: Workspace) -> None:
    with python(workspace, "import os; print(sorted(os.listdir('/proc/self/fd')))") as child:
        assert child.wait(LIMIT_S) == 0
        assert child.log_tail() == "['0', '1', '2', '3']"  # 3 is the listing's own


def test_a_child_has_signals_as_a_shell_would_start_it(workspace: Workspace) -> None:
    program = (
        "print([l.split()[1] for l in open('/proc/self/status') if l[:6] in ('SigBlk', 'SigIgn')])"
    )
    argv = (sys.executable, "-c", program)
    with spawn(ChildSpec(argv, workspace)) as child:
        assert child.wait(LIMIT_S) == 0
        blocked, ignored = (int(mask, 16) for mask in ast.literal_eval(child.log_tail()))
    assert blocked == 0
    # Signals 32 and 33 are the C library's own; nobody can set them, so they are inherited.
    ignored &= ~(1 << 31 | 1 << 32)
    # Python itself ignores SIGPIPE (13) and SIGXFSZ (25), as bits 12 and 24.
    assert ignored == 1 << 12 | 1 << 24


def test_directories_to_clean_up_are_gone_with_the_child(workspace: Workspace) -> None:
    data = workspace.directory("data")
    (data / "file").write_text("x")
    with python(workspace, "import time; time.sleep(600)", cleanup=(data,)):
        assert data.exists()
    assert not data.exists()


def test_a_child_can_be_kept_to_one_processor(workspace: Workspace) -> None:
    cpu = min(os.sched_getaffinity(0))
    program = "import os; print(os.sched_getaffinity(0))"
    with python(workspace, program, cpus=(cpu,)) as child:
        assert child.wait(LIMIT_S) == 0
        assert child.log_tail() == f"{{{cpu}}}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_child_of_root_can_be_another_user_without_groups(workspace: Workspace) -> None:
    account = unprivileged()
    assert account is not None
    argv = ("/bin/sh", "-c", "id -u; id -G")
    spec = ChildSpec(argv, workspace, account=account, cwd=Path("/"))
    with spawn(spec) as child:
        assert child.wait(LIMIT_S) == 0
        assert child.log_tail().split() == [str(account.uid), str(account.gid)]


def test_killing_the_guard_takes_the_child_and_its_workers_along(workspace: Workspace) -> None:
    program = "import os, time; os.fork(); print('up'); time.sleep(600)"
    child = python(workspace, program)
    assert eventually(lambda: child.log_tail().count("up") == 2)
    pids = child.pids()
    assert len(pids) == 2
    os.kill(child._guard.pid, signal.SIGKILL)
    assert child.wait(LIMIT_S) == -signal.SIGKILL
    assert eventually(lambda: alive(pids) == [])
    child.stop()


HOLDER = f"""
import json, os, sys, time
from syncline.process import ChildSpec, Workspace, spawn
workspace = Workspace.open()
child = spawn(ChildSpec((sys.executable, "-u", "-c", {DAEMON!r}), workspace))
while "daemon" not in child.log_tail():
    child.wait(0.01)
daemon = int(child.log_tail().split()[1])
if os.environ.get("FORKED"):
    if os.fork() == 0:
        time.sleep(600)
print(json.dumps({{"daemon": daemon, "workspace": str(workspace.path)}}), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_of_a_killed_parent_not_even_a_daemon(
    tmp_path: Path, number: signal.Signals
) -> None:
    with holder(HOLDER, {"SYNCLINE_TMPDIR": str(tmp_path)}) as (parent, facts):
        pids = [*family(parent.pid), facts["daemon"]]
        assert len(alive(pids)) >= 3
        parent.send_signal(number)
        parent.wait(LIMIT_S)
        assert eventually(lambda: alive(pids) == [], limit_s=3)
    assert eventually(lambda: not Path(facts["workspace"]).exists())


def test_a_long_grace_is_cut_short_when_the_parent_dies_meanwhile(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)"
    program = f"""
import json, sys, threading
from syncline.process import ChildSpec, Workspace, spawn
workspace = Workspace.open()
child = spawn(ChildSpec((sys.executable, "-u", "-c", {deaf!r}), workspace))
while "up" not in child.log_tail():
    child.wait(0.01)
threading.Thread(target=child.stop, args=(600,)).start()
print(json.dumps({{"child": child.pid}}), flush=True)
"""
    with holder(program, {"SYNCLINE_TMPDIR": str(tmp_path)}) as (parent, facts):
        pids = family(parent.pid)
        assert facts["child"] in pids
        parent.kill()
        parent.wait(LIMIT_S)
        assert eventually(lambda: alive(pids) == [], limit_s=3)


def test_a_forked_copy_of_the_parent_does_not_keep_the_child_alive(tmp_path: Path) -> None:
    env = {"SYNCLINE_TMPDIR": str(tmp_path), "FORKED": "1"}
    with holder(HOLDER, env) as (parent, facts):
        copies = [
            p.pid for p in psutil.Process(parent.pid).children() if p.cmdline()[1:2] == ["-c"]
        ]
        assert len(copies) == 1
        try:
            parent.kill()
            assert eventually(lambda: alive([facts["daemon"]]) == [], limit_s=3)
            assert alive(copies) == copies
        finally:
            os.kill(copies[0], signal.SIGKILL)


def test_a_signal_to_the_terminals_group_does_not_reach_child_or_guard(tmp_path: Path) -> None:
    with holder(HOLDER, {"SYNCLINE_TMPDIR": str(tmp_path)}) as (parent, facts):
        guards = [
            p for p in psutil.Process(parent.pid).children() if "guard.py" in str(p.cmdline())
        ]
        groups = {os.getpgid(pid) for pid in [facts["daemon"], *(g.pid for g in guards)]}
        sessions = {os.getsid(guard.pid) for guard in guards}
        assert os.getpgid(parent.pid) not in groups
        assert os.getsid(parent.pid) not in sessions
        for guard in guards:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                guard.send_signal(number)
        assert alive([facts["daemon"]]) != []


def test_listening_ports_tell_whose_they_are(workspace: Workspace) -> None:
    program = (
        "import os, socket, time\ns = socket.create_server(('127.0.0.1', 0))\n"
        "print(s.getsockname()[1])\ntime.sleep(600)"
    )
    with python(workspace, program) as child, socket.create_server(("127.0.0.1", 0)) as mine:
        assert eventually(lambda: child.log_tail() != "")
        port = int(child.log_tail())
        assert listening_ports(child.pids()) == {port: (child.pid,)}
        assert listening_ports([os.getpid()])[mine.getsockname()[1]] == (os.getpid(),)


def test_a_port_in_use_is_said_with_its_user() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"Port {port} on 127.0.0.1 is in use by .* \(process"
        ):
            check_port_free("127.0.0.1", port)
    check_port_free("127.0.0.1", free_port())


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 70000, "70000 is no port"),
        ("192.0.2.1", 8000, "Cannot listen on 192.0.2.1"),
        ("no-such-host.invalid", 8000, "Cannot listen on no-such-host.invalid"),
    ],
)
def test_an_impossible_address_is_said(host: str, port: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_port_free(host, port)


def test_the_guard_needs_nothing_but_the_standard_library() -> None:
    text = (ROOT / "python/syncline/process/guard.py").read_text()
    modules = {line.split()[1] for line in text.splitlines() if line.strip().startswith("import ")}
    assert modules <= set(sys.stdlib_module_names)
