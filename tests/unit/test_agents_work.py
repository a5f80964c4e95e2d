"""What driver and agents say to each other, and when an agent ends its load by itself."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from dataclasses import replace

import pytest

from syncline.agents import access
from syncline.agents.cluster import Place
from syncline.agents.ledger import Ledger, progress_message
from syncline.agents.wire import decode, encode
from syncline.agents.work import Work
from syncline.cli.on import Where
from syncline.codec import to_json
from syncline.errors import MeasurementError, UsageError
from syncline.plan import Plan
from tests.unit.factories import load_result, progress


def glance(agent: int, sequence: int, **changes: object) -> dict[str, object]:
    shown = replace(progress(), **changes)  # type: ignore[arg-type]
    return {"agent": agent, "sequence": sequence, **progress_message(shown)}


def test_a_part_that_arrives_twice_counts_once() -> None:
    ledger = Ledger()
    message = {"agent": 1, "sequence": 7, "result": to_json(load_result())}
    assert ledger.take(message)
    assert not ledger.take(message)
    assert not ledger.take({**message, "sequence": 8}), "an agent has one result"
    assert (list(ledger.results), ledger.refused) == ([1], 2)


def test_an_old_glance_does_not_replace_a_newer_one() -> None:
    ledger = Ledger()
    ledger.take(glance(0, 2, ok=20))
    assert not ledger.take(glance(0, 1, ok=10))
    assert not ledger.take(glance(0, 2, ok=99))
    assert ledger.glances[0].ok == 20


def test_all_agents_at_a_glance() -> None:
    ledger = Ledger()
    assert ledger.progress() is None
    ledger.take(glance(0, 1, ok=10, rate_rps=100.0, p50_us=1000.0, p99_us=5000.0))
    ledger.take(glance(1, 1, ok=30, rate_rps=300.0, p50_us=2000.0, p99_us=4000.0))
    ledger.take(glance(2, 1, ok=0, rate_rps=0.0, p50_us=None, p99_us=None))
    shown = ledger.progress()
    assert shown is not None
    assert (shown.ok, shown.rate_rps, shown.p50_us, shown.p99_us) == (40, 400.0, 1750.0, 5000.0)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"agent": "1", "sequence": 1},
        {"agent": 1, "sequence": 1, "result": {"ok": 1}},
        {"agent": 1, "sequence": 1, "glance": {"ok": "many"}},
    ],
)
def test_a_message_that_does_not_fit_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(MeasurementError):
        Ledger().take(message)


@pytest.mark.parametrize(
    "data",
    ["text", None, b"", b"rubbish", zlib.compress(b"[1]"), zlib.compress(b"{"), encode({})[:-3]],
)
def test_an_answer_that_is_no_message_is_refused(data: object) -> None:
    with pytest.raises(MeasurementError, match="answer"):
        decode(data)


def test_a_message_that_unpacks_beyond_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.agents.wire.MOST_BYTES", 1000)
    assert decode(encode({"a": "b" * 500})) == {"a": "b" * 500}
    with pytest.raises(MeasurementError, match="too large"):
        decode(encode({"a": "b" * 2000}))


def prepared(work: Work, port: int, **changes: object) -> None:
    plan = replace(Plan(f"http://127.0.0.1:{port}", duration_s=30.0), **changes)  # type: ignore[arg-type]
    answer = decode(work.prepare(encode({"plan": to_json(plan), "allowed": [], "files": {}})))
    assert answer == {"error": None}


def state(work: Work) -> str:
    return str(decode(work.poll())["state"])


def test_an_agent_that_hears_nothing_ends_its_load_and_leaves() -> None:
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        work = Work(0, lease_s=0.3, on_lapse=left.set)
        prepared(work, server.getsockname()[1])
        work.begin(work.clock())
        assert left.wait(timeout=20)
        assert until_ended(work)
    assert "result" in decode(work.result())


def test_an_agent_that_is_asked_goes_on_until_it_is_told_to_stop() -> None:
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        work = Work(0, lease_s=60.0, on_lapse=left.set)
        prepared(work, server.getsockname()[1])
        work.begin(work.clock())
        assert state(work) in ("ready", "running")
        work.stop()
        assert until_ended(work)
    assert not left.is_set()
    first = work.result()
    assert work.result() == first, "the same bytes, with the same number, however often"


def test_a_load_starts_at_its_instant_and_not_before() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        work = Work(3, lease_s=60.0)
        prepared(work, server.getsockname()[1], duration_s=0.2)
        at_ns = time.monotonic_ns() + 300_000_000
        work.begin(at_ns)
        assert until_ended(work)
    message = decode(work.result())
    assert message["agent"] == 3
    assert message["result"]["started_monotonic_ns"] >= at_ns


def test_an_agent_refuses_a_public_target_without_consent() -> None:
    plan = Plan("http://203.0.113.7", addresses=("203.0.113.7",))
    message = {"plan": to_json(plan), "allowed": [], "files": {}}
    assert decode(Work(0).prepare(encode(message)))["error"] == "ConsentError"
    allowed = {**message, "allowed": ["203.0.113.7"]}
    assert decode(Work(0).prepare(encode(allowed))) == {"error": None}


def test_an_agent_without_a_load_has_no_result() -> None:
    assert "error" in decode(Work(0).result())


def until_ended(work: Work) -> bool:
    end_s = time.monotonic() + 20
    while state(work) != "ended":
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("on", ["rays", "ray://", "ray://host", "host", "ray://h:1/x", "a b:1"])
def test_a_place_that_is_none_is_refused(on: str) -> None:
    with pytest.raises(UsageError, match="write local, ray, ray://HOST:PORT"):
        Place(on)


@pytest.mark.parametrize(
    "on", ["ray", "ray://10.0.0.1:10001", "ray://[fd00::1]:10001", "head:6379"]
)
def test_places(on: str) -> None:
    assert Place(on, 3).on == on


def test_a_cluster_that_is_open_to_everyone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(UsageError, match="everyone who reaches the cluster"):
        access.users_token()


def test_a_token_that_is_not_known_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere/token")
    with pytest.raises(UsageError, match="token is not known here"):
        access.users_token()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    variables = access.users_token()
    assert variables["RAY_AUTH_MODE"] == "token"
    assert "secret" not in variables.values(), "it stays where the user put it"


def test_a_private_cluster_has_a_token_that_only_its_process_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    one, other = access.own_token(), access.own_token()
    assert one["RAY_AUTH_MODE"] == "token"
    assert len(one["RAY_AUTH_TOKEN"]) >= 32
    assert one["RAY_AUTH_TOKEN"] == other["RAY_AUTH_TOKEN"], "Ray reads it once a process"


def test_options_of_agents_need_a_place() -> None:
    with pytest.raises(UsageError, match="--agents needs --on ray"):
        Where("local", 3, "shared", insecure_cluster=False)
    with pytest.raises(UsageError, match="--insecure-cluster needs --on ray"):
        Where("local", None, "shared", insecure_cluster=True)
