"""A real MariaDB: private, fetched into the cache, or by URL."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from syncline.backends import Backend, fetch_mariadb, mariadb, mariadb_files, provide
from syncline.errors import EnvironmentLackError, UsageError
from syncline.process import Workspace, free_port
from tests.integration.children import alive, eventually

pytest.importorskip("pymysql")
pytestmark = pytest.mark.mariadb


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def server() -> Iterator[Backend]:
    with Workspace.open() as opened:
        try:
            ready = provide("mariadb", {"max_connections": "12"}, opened)
        except EnvironmentLackError as lack:
            pytest.skip(str(lack))
        with ready:
            yield ready


def connect(url: str | None) -> Connection:
    assert url is not None
    target = make_url(url).set(drivername="mysql+pymysql")
    return create_engine(target, poolclass=NullPool).connect()


def admitted(url: str | None) -> Connection:
    """A connection; the place of one that was refused or closed is free a moment later."""
    found: list[Connection] = []

    def connects() -> bool:
        try:
            found.append(connect(url))
        except OperationalError as error:
            if "Too many connections" not in str(error):
                raise
            return False
        return True

    assert eventually(connects)
    return found[0]


def test_a_service_finds_its_own_empty_database_by_its_environment(server: Backend) -> None:
    assert server.env() == {"DATABASE_URL": server.url}
    with connect(server.env()["DATABASE_URL"]) as connection:
        connection.execute(text("CREATE TABLE mine (id int)"))
        connection.execute(text("DROP TABLE mine"))
        row = connection.execute(
            text("SELECT current_user(), database(), version(), @@character_set_database")
        ).one()
    assert row[0] == "syncline@127.0.0.1"
    assert row[1] == "syncline"
    assert row[2].startswith(server.version + "-MariaDB")
    assert row[3] == "utf8mb4"


def test_max_connections_holds_exactly_and_the_administrator_has_one_more(server: Backend) -> None:
    opened = []
    try:
        opened += [admitted(server.url) for _ in range(12)]
        with pytest.raises(OperationalError, match="Too many connections"):
            connect(server.url)
        opened.append(admitted(server.admin_url))
    finally:
        for connection in opened:
            connection.close()


def test_durability_is_as_shipped_and_stated(server: Backend) -> None:
    stated = {"innodb_flush_log_at_trx_commit": "1", "innodb_doublewrite": "ON"}
    assert stated.items() <= server.settings.items()
    with connect(server.url) as connection:
        for name, value in server.settings.items():
            row = connection.execute(text(f"SHOW GLOBAL VARIABLES LIKE '{name}'")).one()
            assert row == (name, value)


def test_it_listens_on_loopback_and_lets_no_administrator_in_by_tcp(server: Backend) -> None:
    with connect(server.admin_url) as connection:
        assert connection.scalar(text("SELECT @@bind_address")) == "127.0.0.1"
        users = connection.execute(text("SELECT user, host FROM mysql.user")).all()
    assert {("root", "localhost"), ("syncline", "127.0.0.1")} <= set(users)
    for name in ("root", "mariadb.sys", ""):
        with pytest.raises(OperationalError, match="Access denied"):
            connect(server.url.replace("syncline@", f"{name}@"))


def test_the_administrator_sees_the_transactions_of_the_service(server: Backend) -> None:
    with connect(server.url) as connection, connect(server.admin_url) as admin:
        connection.execute(text("START TRANSACTION WITH CONSISTENT SNAPSHOT"))
        count = text("SELECT count(*) FROM information_schema.innodb_trx")
        assert admin.scalar(count) == 1


def test_it_does_not_run_as_root_and_is_gone_with_its_data(
    server: Backend, workspace: Workspace
) -> None:
    before = set(workspace.path.iterdir())
    with provide("mariadb", {}, workspace) as backend:
        pids = backend.pids()
        assert pids
        assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in pids)
    assert alive(pids) == []
    left = set(workspace.path.iterdir()) - before
    assert all("-log-" in path.name for path in left)
    assert backend.child is not None
    assert backend.child.poll() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_conections": "20"}, "unknown variable 'max_conections=20'"),
        ({"max_connections": "abc"}, "Unknown suffix 'a' used for variable 'max_connections'"),
        ({"max_connections": "3"}, "refuses max_connections = 3: it would take 10"),
        ({"port": "3306"}, "port is Syncline's to set"),
        ({"skip-grant-tables": "1"}, "skip-grant-tables is Syncline's to set"),
        ({"a b": "1"}, "'a b' is no name"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    server: Backend, workspace: Workspace, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        provide("mariadb", settings, workspace)
    assert "\n" not in str(caught.value)


def test_a_stolen_port_is_replaced_by_another(
    server: Backend, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        ports = iter([thief.getsockname()[1], free_port()])
        monkeypatch.setattr(mariadb, "free_port", lambda: next(ports))
        with provide("mariadb", {}, workspace) as backend, connect(backend.url):
            assert str(thief.getsockname()[1]) not in backend.url


def test_a_disk_without_room_is_said_before_anything_is_made(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=50 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(EnvironmentLackError, match="has 50 MiB left, and a MariaDB needs 300"):
        provide("mariadb", {}, workspace)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_a_place_that_its_user_cannot_enter_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("SYNCLINE_TMPDIR", str(tmp_path))
    with Workspace.open() as closed, pytest.raises(EnvironmentLackError, match="cannot enter"):
        provide("mariadb", {}, closed)


def test_a_users_own_server_is_used_as_it_is(server: Backend, workspace: Workspace) -> None:
    url = server.url.replace("mysql://", "mysql+asyncmy://")
    with provide("mariadb", {"max-connections": "12"}, workspace, url) as adopted:
        assert adopted.url == url
        assert adopted.version == server.version
        assert adopted.pids() == ()
    assert server.child is not None
    assert server.child.poll() is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_connections": "100"}, "has max_connections = 12, and the variant needs 100"),
        ({"nonsense": "1"}, "has no setting nonsense"),
    ],
)
def test_a_setting_that_a_users_own_server_has_not_is_an_error(
    server: Backend, workspace: Workspace, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        provide("mariadb", settings, workspace, server.url)


def test_a_url_where_nothing_answers_is_said_without_its_password(workspace: Workspace) -> None:
    url = f"mysql://me:hush@127.0.0.1:{free_port()}/x"
    with pytest.raises(EnvironmentLackError, match=r"cannot be used: .*Can't connect") as caught:
        provide("mariadb", {}, workspace, url)
    assert "hush" not in str(caught.value)
    with pytest.raises(UsageError, match="is no MariaDB or MySQL URL"):
        provide("mariadb", {}, workspace, "postgresql://me:hush@x/y")


@pytest.fixture
def empty_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No installed MariaDB is found, and the cache, which all may read, is empty."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("SYNCLINE_CACHE_DIR", f"{name}/cache")
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.setattr(mariadb_files, "PLACES", f"{name}/bin")
        yield Path(name)


def test_a_missing_server_is_said_with_the_ways_to_get_one(
    empty_machine: Path, workspace: Workspace
) -> None:
    with pytest.raises(EnvironmentLackError, match=r"syncline doctor --fetch mariadb"):
        provide("mariadb", {}, workspace)


def test_a_fetched_server_runs_from_the_cache(empty_machine: Path, workspace: Workspace) -> None:
    try:
        place = fetch_mariadb(workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))
    assert place.parent == empty_machine / "cache"
    inode = place.stat().st_ino
    assert fetch_mariadb(workspace).stat().st_ino == inode
    with provide("mariadb", {}, workspace) as backend, connect(backend.url):
        (pid,) = backend.pids()
        assert Path(f"/proc/{pid}/exe").readlink() == place / "usr/sbin/mariadbd"
