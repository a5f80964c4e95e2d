"""The probe is in every worker of every server, and knows workers from supervisors."""

from __future__ import annotations

from typing import get_args

import pytest

from syncline.launch import server_argv
from syncline.observe.probe import ProbeReader
from syncline.trial import Server, Variant
from tests.integration.probed import APP, WSGI, eventually, get_all, last, probed, routes

SERVERS = [one for one in get_args(Server) if one != "waitress"]  # which serves WSGI alone


def ended(reader: ProbeReader) -> dict[str, int]:
    return {name: row["requests"] for name, row in routes(reader).items()}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("server", SERVERS)
def test_sync_and_async_requests_are_seen_in_all_workers(server: Server, workers: int) -> None:
    variant = Variant(server, app=APP, server=server, workers=workers)
    paths = [f"/{kind}/{n}" for n in range(20) for kind in ("sync", "async")]
    with probed(variant, ready_path="/three/0") as (service, reader):
        get_all(service, paths, 20)
        eventually(
            lambda: (
                ended(reader).get("GET /sync/{number}") == 20
                and ended(reader).get("GET /async/{number}") == 20
            )
        )
        found = routes(reader)
        eventually(lambda: last(reader, "probe.loop_lag_max_ms") >= 0)
        assert last(reader, "probe.limiter_tokens") % 40 == 0
        assert last(reader, "probe.pool_size") % 5 == 0
        alive = [one for one in reader.processes() if one.alive]
        serving = [one for one in alive if one.served]
        assert not [event for event in reader.events() if event.name == "hook-failed"]
    for kind in ("sync", "async"):
        row = found[f"GET /{kind}/{{number}}"]
        assert (row["least"], row["most"], row["statements"]) == (7, 7, 140)
    assert 1 <= len(serving) <= workers
    assert len({one.pid for one in alive}) >= workers
    if workers > 1:
        assert len(alive) > len(serving), "the supervisor serves nothing"


@pytest.mark.parametrize(
    "command",
    [
        "-m gunicorn --workers 2 --bind {host}:{port} APP",
        "-m gunicorn --preload --workers 2 --bind {host}:{port} APP",
        "-m gunicorn --threads 4 --bind {host}:{port} APP",
        "-m granian --interface wsgi --host {host} --port {port} APP",
        "-m hypercorn --bind {host}:{port} APP",
        "-m waitress --listen={host}:{port} APP",
    ],
)
def test_wsgi_requests_are_seen_under_each_server(command: str) -> None:
    argv = ("{python}", *command.replace("APP", WSGI).split())
    with probed(Variant("wsgi", command=argv)) as (service, reader):
        get_all(service, [f"/sync/{n}" for n in range(40)], 8)
        # The request that showed it ready is one more.
        eventually(lambda: ended(reader).get("GET /sync/<int:number>") == 41)
        row = routes(reader)["GET /sync/<int:number>"]
        assert not [event for event in reader.events() if event.name == "hook-failed"]
    assert (row["least"], row["most"]) == (7, 7)


def test_an_application_loaded_before_the_fork_is_seen_in_each_worker() -> None:
    argv = server_argv(
        Variant("preloaded", app=APP, server="gunicorn", workers=2),
        host="{host}",
        port=65535,
        python="{python}",
    )
    command = tuple(one.replace("65535", "{port}") for one in (*argv[:3], "--preload", *argv[3:]))
    with probed(Variant("preloaded", command=command)) as (service, reader):
        get_all(service, [f"/sync/{n}" for n in range(40)], 10)
        eventually(lambda: ended(reader).get("GET /sync/{number}") == 41)
        supervisors = [one for one in reader.processes() if one.alive and not one.served]
        serving = [one for one in reader.processes() if one.served]
    assert serving
    assert {one.ppid for one in serving} <= {one.pid for one in supervisors}
