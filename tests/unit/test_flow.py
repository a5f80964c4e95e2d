"""Flows: what scenarios say, planned instants, counts that add up, and results judged."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncline.errors import PlanError, UsageError
from syncline.flow import Response, Scenario, Step, User
from syncline.flow.pace import instants
from syncline.flow.result import result_of
from syncline.flow.scenario import open_scenario
from syncline.flow.tally import Tally
from syncline.plan import OpenLoop, Phase, Plan, constant_rate

MS = 1_000_000
PLAN = Plan("http://127.0.0.1:1", connections=2, duration_s=1.0)
Write = Callable[[str], Scenario]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Scenario:
        path = tmp_path / "scenario.py"
        path.write_text(text)
        return Scenario("python", str(path), "go")

    return written


def part(tally: Tally, **changes: Any) -> dict[str, Any]:
    """What a helper process would hand over."""
    rest = {"cpu_s": 0.1, "interrupted": False, "opened": 1, "failed": 0, "served": [1]}
    return {**tally.data(), **rest, "unclaimed": 0, **changes}


def send(tally: Tally, user: int, begin_ms: int, end_ms: int, kind: str | None = None) -> None:
    tally.began(user, begin_ms * MS)
    status = 200 if kind is None else int(kind) if kind.isdigit() else None
    tally.ended(
        user,
        end_ms * MS,
        step="GET /",
        kind=kind,
        sample="text",
        status=status,
        sent=True,
        times_ns={"service_time": (end_ms - begin_ms) * MS},
    )


def test_a_step_with_a_body_is_a_post_and_its_name_holds_no_query() -> None:
    assert Step("/a?token=1").shown == "GET /a"
    assert Step("/a", json={"b": None}).verb == "POST"
    assert Step("/a", json={"b": None}).payload == b'{"b": null}'
    assert Step("/a", "put", body="ä").payload == "ä".encode()


@pytest.mark.parametrize("wrong", [{"path": "a"}, {"path": "/", "pause_s": -1.0}])
def test_a_step_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        Step(**wrong)


def test_a_response_is_read_as_text_json_and_by_header() -> None:
    response = Response(200, (("X-A", "1"),), b'{"a": [1]}', 0.1)
    assert response.json() == {"a": [1]}
    assert (response.header("x-a"), response.header("x-b")) == ("1", None)


@pytest.mark.parametrize("signature", ["go()", "go(user)"])
def test_a_flow_takes_the_user_or_nothing(write: Write, signature: str) -> None:
    begin = open_scenario(
        write(f"from syncline.flow import Step\ndef {signature}:\n    yield Step('/a')"), PLAN
    )
    assert next(begin(User(0, Random(1)))).path == "/a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def other():\n    yield", "it has: other"),
        ("def go():\n    return 1", "no flow 'go'"),
        ("def go(a, b):\n    yield", "takes 2 arguments"),
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_file_without_the_flow_is_refused(write: Write, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_scenario(write(text), PLAN)


def test_instants_follow_the_integral_of_the_rate() -> None:
    ramp = OpenLoop((Phase(2.0, 0.0, 10.0), Phase(1.0, 0.0, 0.0), Phase(1.0, 4.0, 4.0)))
    found = list(itertools.takewhile(lambda at: at < 4.0, instants(ramp, 1)))
    assert len(found) == 14
    assert found[9] == pytest.approx(2.0 * 0.9**0.5)  # 9 flows into an integral of 10 t^2 / 4
    assert found[10:] == pytest.approx([3.0, 3.25, 3.5, 3.75])
    assert list(instants(OpenLoop((Phase(1.0, 2.0, 2.0), Phase(1.0, 0.0, 0.0))), 1)) == [0.0, 0.5]


def test_poisson_instants_have_the_rate_and_are_those_of_the_seed() -> None:
    schedule = constant_rate(1000.0, "poisson")
    first, again = (list(itertools.islice(instants(schedule, 7), 5000)) for _ in range(2))
    assert first == again
    assert first[-1] == pytest.approx(5.0, rel=0.1)
    assert len({round(b - a, 6) for a, b in itertools.pairwise(first)}) > 1000


def test_two_processes_add_up_and_every_started_request_has_an_end() -> None:
    one, two = Tally(0, 1000 * MS), Tally(0, 1000 * MS)
    send(one, 0, 0, 100)
    send(one, 0, 100, 300, "500")
    send(two, 0, 0, 700, "response-timeout")
    two.began(0, 800 * MS)
    one.close(1000 * MS)
    two.close(1000 * MS)
    result = result_of(PLAN, [part(one), part(two)], 0).load
    assert (result.ok, result.failed, result.timed_out, result.in_flight) == (1, 1, 1, 1)
    assert result.started == 4
    assert result.in_flight_oldest_s == pytest.approx(0.2)
    assert result.errors == {"response-timeout": 1}
    assert result.status_codes == {"200": 1, "500": 1}
    assert result.service_time_us is not None
    assert result.service_time_us.count == 2  # the time-out counts with what was waited
    assert result.error_time_us is not None
    assert result.error_time_us.p50 == pytest.approx(200_000, rel=0.01)
    # In flight: 0.3 s + 0.7 s + 0.2 s of one.
    assert result.generator.busy_mean == pytest.approx(1.2)
    assert result.intervals[0].in_flight == 1


def test_the_warm_up_is_not_measured_and_what_it_left_is_carried_in() -> None:
    tally = Tally(500 * MS, 500 * MS)
    send(tally, 0, 0, 400)
    send(tally, 0, 400, 600)
    tally.close(1000 * MS)
    plan = Plan("http://127.0.0.1:1", connections=1, duration_s=1.0, warmup_s=0.5, interval_s=0.5)
    result = result_of(plan, [part(tally)], 0).load
    assert (result.started, result.ok, result.carried_in) == (1, 1, 1)
    assert result.duration_s == pytest.approx(0.5)
    assert [one.warmup for one in result.intervals] == [True, False]


def test_what_ends_after_the_load_is_in_flight() -> None:
    tally = Tally(0, 1000 * MS)
    tally.began(0, 0)
    tally.close(1000 * MS)
    late: dict[str, Any] = {"kind": None, "sample": "", "status": 200, "sent": True, "times_ns": {}}
    assert not tally.ended(0, 1100 * MS, step="x", **late)
    assert tally.data()["in_flight"] == 1


def test_a_silence_counts_only_where_every_process_was_silent() -> None:
    one, two = Tally(0, 1000 * MS), Tally(0, 1000 * MS)
    one.began(0, 0)
    send(two, 0, 0, 2000)
    two.began(0, 2000 * MS)
    for tally in (one, two):
        tally.close(5000 * MS)
    silence = result_of(PLAN, [part(one), part(two)], 0).load.silence
    assert silence is not None
    assert (silence.from_s, silence.longest_s, silence.until_end) == (2.0, 3.0, True)


def test_a_busy_generator_is_said_to_be_the_limit() -> None:
    tally = Tally(0, 1000 * MS)
    send(tally, 0, 0, 1)
    tally.planned(0)
    tally.close(1000 * MS)
    busy = part(tally, cpu_s=0.95)
    closed = result_of(PLAN, [busy], 0).load
    assert "generator-bound" in closed.notes
    assert closed.generator.bottleneck
    opened = Plan("http://127.0.0.1:1", schedule=constant_rate(1.0), duration_s=1.0)
    judged = result_of(opened, [busy], 0).load.validity
    assert judged.status == "invalid"
    assert "generator saturated" in judged.reasons[0]


def test_flows_that_no_user_came_to_break_the_schedule() -> None:
    tally = Tally(0, 1000 * MS)
    send(tally, 0, 0, 1)
    tally.planned(0)
    tally.close(1000 * MS)
    plan = Plan("http://127.0.0.1:1", schedule=constant_rate(10.0), duration_s=1.0)
    result = result_of(plan, [part(tally, unclaimed=9)], 0).load
    assert (result.planned, result.generator.unsent) == (10, 9)
    assert "schedule not held" in result.validity.reasons[0]
