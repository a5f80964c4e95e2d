"""Services that are really started."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline.errors import EnvironmentLackError, ServiceStartError, UsageError
from syncline.launch import Workspace, service, start_service
from syncline.process import free_port
from syncline.trial import Server, Variant
from tests.integration.children import APP, alive, eventually

HTTP_SERVER = ("{python}", "-m", "http.server", "--bind", "{host}", "{port}")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    (tmp_path / "small_app.py").write_text(APP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(tmp_path))
    with Workspace.open() as opened:
        yield opened


def answer(url: str) -> str:
    """The body, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


@pytest.mark.parametrize("server", ["uvicorn", "granian", "hypercorn", "gunicorn"])
@pytest.mark.parametrize("workers", [1, 2])
def test_each_server_starts_answers_from_our_processes_and_ends(
    workspace: Workspace, server: Server, workers: int
) -> None:
    pytest.importorskip(server)
    variant = Variant("a", app="small_app:app", server=server, workers=workers)
    with start_service(variant, workspace=workspace, env={}) as running:
        answered = int(answer(running.url))
        pids = running.pids()  # afterwards: gunicorn begins one worker after the other
        assert answered in pids
        assert running.exit_status() is None
        assert running.start_s > 0
    assert alive(pids) == []
    assert running.exit_status() is not None


def test_uvicorn_logs_no_request_unless_asked(workspace: Workspace) -> None:
    for arguments, logged in (((), False), (("--access-log",), True)):
        variant = Variant("a", app="small_app:app", server_args=arguments)
        with start_service(variant, workspace=workspace, env={}) as running:
            answer(running.url)
        assert ("GET /" in running.log_tail(100)) is logged


def test_settings_and_environment_reach_the_service_the_variants_own_last(
    workspace: Workspace,
) -> None:
    names = "SYNCLINE_POOL_SIZE A B C"
    program = (
        "import http.server, os, sys\n"
        f"print(*[os.environ.get(name) for name in {names!r}.split()])\n"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), "
        "bind='127.0.0.1')"
    )
    variant = Variant(
        "a",
        command=("{python}", "-c", program, "{port}"),
        env={"B": "variant"},
        settings={"pool-size": "5", "c": "unused"},
    )
    env = {"A": "given", "B": "given"}
    with start_service(variant, workspace=workspace, env=env) as running:
        # What it writes reaches its log by way of another process.
        assert eventually(
            lambda: running.log_tail(100).splitlines()[:1] == ["5 given variant None"]
        )


def test_a_service_that_dies_at_its_start_shows_why_at_once(workspace: Workspace) -> None:
    program = "import sys; print('the reason'); sys.exit(5)"
    variant = Variant("bad", command=("{python}", "-c", program))
    with pytest.raises(ServiceStartError) as caught:
        start_service(variant, workspace=workspace, env={}, ready_timeout_s=600)
    assert str(caught.value) == (
        "The service 'bad' ended while starting, with status 5. Its last words:\nthe reason"
    )


def test_a_service_that_stays_silent_is_given_up_and_ended(workspace: Workspace) -> None:
    variant = Variant("mute", command=("{python}", "-c", "import time; time.sleep(600)"))
    with pytest.raises(ServiceStartError, match=r"'mute' gave no answer on port .* within 0\.3 s"):
        start_service(variant, workspace=workspace, env={}, ready_timeout_s=0.3)


def test_a_service_that_listens_and_never_answers_is_told_from_a_silent_one(
    workspace: Workspace,
) -> None:
    program = (
        "import socket, sys, time\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    )
    variant = Variant("deaf", command=("{python}", "-c", program + "time.sleep(600)", "{port}"))
    with pytest.raises(ServiceStartError, match="It listens there; the application itself does"):
        start_service(variant, workspace=workspace, env={}, ready_timeout_s=2)


def test_a_service_on_another_port_is_told(workspace: Workspace) -> None:
    variant = Variant("far", command=("{python}", "-m", "http.server", str(free_port())))
    with pytest.raises(ServiceStartError, match=f"It listens on {variant.command[-1]} instead"):
        start_service(variant, workspace=workspace, env={}, ready_timeout_s=3)


def test_what_answers_but_speaks_no_http_is_not_ready(workspace: Workspace) -> None:
    program = (
        "import socket, sys\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "while True:\n    c, _ = s.accept(); c.recv(99); c.sendall(b'SSH-2.0\\r\\n'); c.close()"
    )
    variant = Variant("ssh", command=("{python}", "-c", program, "{port}"))
    with pytest.raises(ServiceStartError, match="gave no answer"):
        start_service(variant, workspace=workspace, env={}, ready_timeout_s=1)


def test_a_stolen_port_is_replaced_by_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        stolen = thief.getsockname()[1]
        ports = iter([stolen, stolen, free_port()])
        monkeypatch.setattr(service, "free_port", lambda _: next(ports))
        variant = Variant("a", app="small_app:app")
        with start_service(variant, workspace=workspace, env={}) as running:
            assert running.port != stolen
            assert int(answer(running.url)) in running.pids()


def test_a_stranger_who_answers_in_our_place_is_not_taken_for_our_service(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_service(Variant("s", command=HTTP_SERVER), workspace=workspace, env={}) as stranger:
        monkeypatch.setattr(service, "check_port_free", _pretend_free_once(stranger.port))
        variant = Variant("a", command=("{python}", "-c", "import time; time.sleep(600)"))
        with pytest.raises(ServiceStartError, match="another process answers there"):
            start_service(variant, workspace=workspace, env={}, port=stranger.port)
        assert answer(stranger.url)


def _pretend_free_once(port: int) -> object:
    def check(host: str, number: int) -> None:
        assert number == port

    return check


def test_a_given_port_is_used_and_a_busy_one_refused(workspace: Workspace) -> None:
    variant = Variant("a", command=HTTP_SERVER)
    port = free_port()
    with start_service(variant, workspace=workspace, env={}, port=port) as running:
        assert running.url == f"http://127.0.0.1:{port}"
        with pytest.raises(UsageError, match=f"Port {port} on 127.0.0.1 is in use by"):
            start_service(variant, workspace=workspace, env={}, port=port)
    with start_service(variant, workspace=workspace, env={}, port=port):
        pass  # its former user's lingering connections do not matter


def test_a_program_that_is_not_there_is_said(workspace: Workspace) -> None:
    variant = Variant("a", command=("no-such-program",))
    with pytest.raises(EnvironmentLackError, match=r"Cannot start service-a \(no-such-program\)"):
        start_service(variant, workspace=workspace, env={})


def test_the_end_of_a_running_service_is_seen_with_its_log(workspace: Workspace) -> None:
    with start_service(Variant("a", app="small_app:app"), workspace=workspace, env={}) as running:
        os.kill(running.pids()[0], signal.SIGKILL)
        assert eventually(lambda: running.exit_status() is not None)
        assert running.exit_status() == -signal.SIGKILL
        assert "Uvicorn running" in running.log_tail()
        assert running.pids() == ()


def test_a_service_that_will_not_end_is_killed_with_its_workers(workspace: Workspace) -> None:
    program = (
        "import http.server, os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0: time.sleep(600)\n"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), "
        "bind='127.0.0.1')"
    )
    variant = Variant("stubborn", command=(sys.executable, "-c", program, "{port}"))
    running = start_service(variant, workspace=workspace, env={})
    pids = running.pids()
    assert len(pids) == 2
    assert running.stop(grace_s=0.1) == -signal.SIGKILL
    assert alive(pids) == []


def test_it_is_ready_on_ipv6_too(workspace: Workspace) -> None:
    variant = Variant("six", command=HTTP_SERVER)
    try:
        free_port("::1")
    except EnvironmentLackError:
        pytest.skip("this machine has no IPv6")
    with start_service(variant, workspace=workspace, env={}, host="::1") as running:
        assert running.url.startswith("http://[::1]:")
        assert answer(running.url)
