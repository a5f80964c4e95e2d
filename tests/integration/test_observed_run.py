"""A whole run carries what was seen: of the service inside and outside, and of its database."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from syncline.errors import EnvironmentLackError
from syncline.experiment import run_experiment
from syncline.experiment.tools import real_tools
from syncline.outcome import Outcome, Series
from syncline.store import Store
from syncline.trial import Case, Load, Variant, sweep
from syncline_cases.users.case import CASE as USERS
from tests.integration.test_observe_outside import PERL


def performed(
    case: Case, variants: tuple[str, ...], load: Load, place: Path, *, probe: bool = True
) -> Mapping[str, Outcome]:
    """The outcomes by variant."""
    with Store.open(place / "runs.db") as store:
        try:
            record = run_experiment(
                case,
                sweep(case, variants, (load,)),
                store=store,
                tools=real_tools(probe=probe),
            )
        except EnvironmentLackError as lack:
            pytest.skip(str(lack))
    return {trial.variant.name: outcome for trial, outcome in record.trials}


def most(series: Series) -> float:
    return max(value for value in series.value if value is not None)


def notes(outcome: Outcome, observer: str) -> list[str]:
    return [
        one.text for one in outcome.observations if (one.observer, one.kind) == (observer, "note")
    ]


@pytest.mark.postgres
def test_a_run_shows_the_service_its_pool_and_the_database_and_the_churn_of_overflow(
    tmp_path: Path,
) -> None:
    load = Load(12, 3.0, USERS.loads[0].requests)
    found = performed(USERS, ("sync", "sync-bounded"), load, tmp_path)
    for outcome in found.values():
        series = outcome.series
        assert most(series["process.rss_bytes"]) > 3e7
        assert most(series["sockets.established"]) == 12
        assert most(series["probe.requests_in_flight"]) >= 1
        assert most(series["postgres.max_connections"]) == 100
        # Both variants live at once, on one server: the idle one keeps up to 5.
        assert 1 <= most(series["postgres.sessions"]) <= 20
        assert series["postgres.sessions"].t_s[0] < 2.5
        assert notes(outcome, "probe") == []
        # On a slow machine it looks half as often, and says so.
        assert [one for one in notes(outcome, "postgres") if "is costly here" not in one] == []
        assert any(one.kind == "route" for one in outcome.observations)
        assert any(one.kind == "cost" for one in outcome.observations)
    rate = "postgres.new_sessions_per_100_requests"
    # Above pool_size a connection is closed when it comes back; with a pool of 15 none is.
    assert most(found["sync"].series[rate]) > 5
    last = found["sync-bounded"].series[rate].value[-1]
    assert last is not None
    assert last < 1


def test_a_service_that_is_not_python_is_seen_from_outside_and_the_rest_is_said(
    tmp_path: Path,
) -> None:
    perl = shutil.which("perl")
    if perl is None:
        pytest.skip("there is no perl")
    variant = Variant("perl", command=(perl, "-e", PERL, "{port}"))
    case = Case(
        name="tiny",
        title="A service in another language",
        question="What is seen of it?",
        variants=(variant,),
        default_variants=("perl",),
        loads=(Load(2, 1.0),),
        quick_loads=(Load(2, 1.0),),
    )
    outcome = performed(case, ("perl",), case.loads[0], tmp_path)["perl"]
    assert most(outcome.series["process.cpu_cores"]) > 0
    assert most(outcome.series["listen.backlog"]) == 64
    assert not [name for name in outcome.series if name.startswith("probe.")]
    assert len(notes(outcome, "probe")) == 1
    assert "not Python" in notes(outcome, "probe")[0]
    unasked = performed(case, ("perl",), case.loads[0], tmp_path / "again", probe=False)["perl"]
    assert notes(unasked, "probe") == ["The probe was not asked for (--no-probe)."]
