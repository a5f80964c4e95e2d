"""What-ifs on real services: what the probe says was imposed, and how the service behaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

import syncline_cases
from syncline.experiment import run_experiment
from syncline.experiment.tools import real_tools
from syncline.launch import Service
from syncline.observe.probe import ProbeReader
from syncline.outcome import Outcome
from syncline.store import Store
from syncline.trial import Server, Variant, sweep
from syncline.whatif import environment, imposed, parse
from tests.integration.probed import eventually, get, get_all, last, probed, values

pytestmark = pytest.mark.timeout(180)

APP = Variant("app", app="tests.integration.what_if_app:app")
WSGI = Variant(
    "wsgi",
    app="tests.integration.what_if_wsgi:app",
    server="gunicorn",
    interface="wsgi",
    server_args=("--threads", "12"),
)


@contextmanager
def serving(variant: Variant, text: str, ready_path: str) -> Iterator[tuple[Service, ProbeReader]]:
    changed = imposed(variant, parse(text))
    with probed(changed, environment(changed), ready_path) as both:
        yield both


def told(reader: ProbeReader) -> dict[str, dict[str, Any]]:
    """What the process that serves says of its what-ifs."""
    for process in reader.processes():
        if process.served:
            found = process.settings.get("what_ifs", {})
            assert isinstance(found, dict)
            return found
    return {}


def took(reader: ProbeReader, name: str) -> bool:
    return told(reader).get(name, {}).get("imposed") is True


@pytest.mark.parametrize("server", ["uvicorn", "granian", "hypercorn", "gunicorn"])
def test_no_more_requests_are_inside_than_admitted_and_all_are_answered(server: Server) -> None:
    variant = replace(APP, server=server)
    with serving(variant, "admission=3", "/seen") as (service, reader):
        get_all(service, ["/in-a-thread"] * 60, at_once=12)
        assert 1 <= json.loads(get(service, "/seen"))["peak"] <= 3
        eventually(lambda: took(reader, "admission"))
        eventually(lambda: last(reader, "probe.admission_inside") == 0)
        assert last(reader, "probe.admission_limit") == 3
        assert last(reader, "probe.admission_waits_total") > 0


def test_admission_holds_flask_in_threads_of_gunicorn() -> None:
    with serving(WSGI, "admission=2", "/work") as (service, reader):
        get_all(service, ["/work"] * 60, at_once=12)
        assert 1 <= int(get(service, "/work")) <= 2
        eventually(lambda: took(reader, "admission"))
        eventually(lambda: last(reader, "probe.admission_inside") == 0)
        assert max(values(reader, "probe.admission_waiting")) > 0


def test_settings_inside_the_service_are_what_was_asked_for() -> None:
    text = (
        "pool_size=7,max_overflow=1,pool_timeout=3,tokens=2,echo=off,gc_threshold=off,"
        "log_level=error"
    )
    with serving(APP, text, "/seen") as (service, reader):
        get_all(service, ["/in-a-thread"] * 30, at_once=10)
        seen = json.loads(get(service, "/seen"))
        assert (seen["collects"], seen["information"], seen["echo"]) == (False, False, False)
        assert 1 <= seen["peak"] <= 2
        eventually(lambda: took(reader, "tokens"))
        rows = told(reader)
        assert {name for name, row in rows.items() if row["imposed"]} == set(rows)
        were = {name: row["old"] for name, row in rows.items()}
        assert (were["pool_size"], were["max_overflow"], were["pool_timeout"]) == (2, 10, 30.0)
        assert (were["tokens"], were["echo"]) == (40, "on")
        # One of the two engines has no pool; of that it says why.
        assert "NullPool" in rows["pool_size"]["why"]
        pools = reader.settings()["pools"]
        assert isinstance(pools, dict)
        sizes = [(pool["size"], pool["limit"]) for pool in pools["pools"]]
        assert (7, 8) in sizes
        assert last(reader, "probe.limiter_waiting") >= 0


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What came of variants of the users case, with what-ifs and without, at 200 connections."""
    users = syncline_cases.load_case("users")
    sync, asynchronous = users.variant("sync"), users.variant("async")
    chosen = (
        sync,
        imposed(sync, parse("admission=54")),
        imposed(asynchronous, parse("pool_size=3,max_overflow=0")),
        imposed(asynchronous, parse("tokens=7")),
    )
    case = replace(users, variants=chosen)
    load = replace(users.quick_loads[0], connections=200, duration_s=2.5, warmup_s=0.25)
    outcomes: dict[str, Outcome] = {}
    with Store.open(tmp_path_factory.mktemp("store") / "runs.db") as store:

        def measure(*names: str) -> None:
            asked = sweep(case, names, (load,))
            record = run_experiment(case, asked, store=store, tools=real_tools())
            outcomes.update({trial.variant.name: outcome for trial, outcome in record.trials})

        measure(*(one.name for one in chosen))
        # Whether it stands still is a race, which a busy machine may win: three starts are enough.
        for _ in range(2):
            if outcomes["sync"].hang is None:
                measure("sync")
    return outcomes


def seen_of(outcome: Outcome, name: str) -> set[float]:
    return {value for value in outcome.series[name].value if value is not None}


@pytest.mark.postgres
def test_admission_below_the_law_s_bound_cures_a_standstill_without_an_edit(
    measured: dict[str, Outcome],
) -> None:
    # 40 threads + 5 + 10 connections: a standstill needs 55 requests in flight.
    original, admitted = measured["sync"], measured["sync+admission=54"]
    assert original.result is not None
    assert admitted.result is not None
    assert original.hang is not None
    assert admitted.hang is None
    assert admitted.result.ok > original.result.ok
    assert max(seen_of(admitted, "probe.admission_inside")) == 54
    assert not any("what-if" in text for text in admitted.validity.reasons)


@pytest.mark.postgres
def test_an_async_engine_has_the_pool_that_was_imposed(measured: dict[str, Outcome]) -> None:
    outcome = measured["async+pool_size=3,max_overflow=0"]
    assert seen_of(outcome, "probe.pool_limit") == {3}
    assert max(seen_of(outcome, "probe.pool_checked_out")) <= 3
    assert [one.data["old"] for one in outcome.observations if one.kind == "what-if"] == [5, 10]
    assert not any("what-if" in text for text in outcome.validity.reasons)


@pytest.mark.postgres
def test_a_trial_whose_what_if_found_nothing_to_set_is_invalid(
    measured: dict[str, Outcome],
) -> None:
    validity = measured["async+tokens=7"].validity
    assert validity.status == "invalid"
    reason = "the what-if tokens=7 was not imposed: nothing asked AnyIO for a thread"
    assert reason in validity.reasons
