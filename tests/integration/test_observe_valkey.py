"""What is seen of Valkey from outside, against commands that the test itself sends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from syncline.backends import Backend
from syncline.observe import Blind, Valkey
from syncline.process import Workspace
from tests.integration.observed import provided, sample

redis = pytest.importorskip("redis")
pytestmark = pytest.mark.valkey


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Backend]:
    with provided("valkey", {}, workspace) as ready:
        yield ready


def test_clients_hits_misses_and_commands_without_the_observers_own(server: Backend) -> None:
    observer = Valkey(server.url)
    client = redis.Redis.from_url(server.url)
    with contextlib.closing(observer), contextlib.closing(client):
        client.set("key", "value")
        before = sample(observer)
        for _ in range(10):
            client.get("key")
        for _ in range(4):
            client.get("nothing")
        after = sample(observer)
    grown = {
        name: (after[name] or 0) - (before[name] or 0)
        for name in ("valkey.hits_total", "valkey.misses_total", "valkey.commands_total")
    }
    assert grown == {
        "valkey.hits_total": 10,
        "valkey.misses_total": 4,
        "valkey.commands_total": 14,
    }
    assert after["valkey.clients"] == 1
    assert (after["valkey.memory_bytes"] or 0) > 1e5


def test_nobody_there_is_said_in_one_sentence() -> None:
    with pytest.raises(Blind, match="Valkey is not watched"):
        Valkey("redis://127.0.0.1:1/0")
