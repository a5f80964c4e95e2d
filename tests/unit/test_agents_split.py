"""A plan split for agents: the whole is what was asked."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest

from syncline.agents.clock import Round, offset_of
from syncline.agents.files import for_agent, named_files, read_files, relocate
from syncline.agents.split import shares, split
from syncline.errors import PlanError, UsageError
from syncline.plan import OpenLoop, Phase, Plan, Request, Tls, constant_rate

TARGET = "http://127.0.0.1:1"


def instants(phases: tuple[Phase, ...], until_s: float) -> list[float]:
    """Planned instants by stepping the integral of the rate: slow, and not the engine's formula."""

    def rate(at_s: float) -> float:
        for phase in phases:
            if at_s < phase.duration_s:
                return phase.from_rps + (phase.to_rps - phase.from_rps) * at_s / phase.duration_s
            at_s -= phase.duration_s
        return phases[-1].to_rps

    found, count, step_s = [], 0.0, 1e-4
    for index in range(round(until_s / step_s)):
        more = rate((index + 0.5) * step_s) * step_s
        # The first instant is where the rate first is above zero.
        found += [index * step_s] * (math.ceil(count + more - 1e-9) - math.ceil(count - 1e-9))
        count += more
    return found


def phases_of(plan: Plan) -> tuple[Phase, ...]:
    assert isinstance(plan.schedule, OpenLoop)
    return plan.schedule.phases


@pytest.mark.parametrize("agents", [1, 2, 3, 8])
@pytest.mark.parametrize(
    "phases",
    [
        (Phase(1.0, 50.0, 50.0),),
        (Phase(2.0, 0.0, 100.0),),
        (Phase(1.0, 30.0, 30.0), Phase(0.5, 30.0, 200.0), Phase(0.5, 200.0, 0.0)),
        (Phase(0.1, 20.0, 20.0), Phase(0.5, 0.0, 0.0), Phase(1.0, 40.0, 40.0)),
        (Phase(0.2, 10.0, 0.0), Phase(1.0, 10.0, 10.0)),
    ],
)
def test_agents_instants_together_are_the_wholes(phases: tuple[Phase, ...], agents: int) -> None:
    plan = Plan(TARGET, schedule=OpenLoop(phases), connections=8, duration_s=2.0)
    whole = instants(phases, 2.0)
    union = sorted(at_s for part in split(plan, agents) for at_s in instants(phases_of(part), 2.0))
    assert len(union) == len(whole)
    assert max(abs(a - b) for a, b in zip(union, whole, strict=True)) < 1e-3


def test_agents_of_a_constant_rate_take_turns() -> None:
    plan = Plan(TARGET, schedule=constant_rate(1000.0), connections=4)
    starts = [
        sum(phase.duration_s for phase in phases_of(part) if phase.to_rps == 0)
        for part in split(plan, 4)
    ]
    assert starts == pytest.approx([0.0, 0.001, 0.002, 0.003])


def test_random_arrivals_divide_the_rate_and_nothing_else() -> None:
    plan = Plan(TARGET, schedule=constant_rate(900.0, "poisson"), connections=3)
    assert [phases_of(part) for part in split(plan, 3)] == [(Phase(1.0, 300.0, 300.0),)] * 3


@pytest.mark.parametrize(("total", "agents"), [(10, 3), (8, 8), (1_000_001, 7), (0, 2)])
def test_shares_add_up_and_differ_by_one_at_most(total: int, agents: int) -> None:
    parts = shares(total, agents)
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


def test_whole_numbers_are_divided_without_loss() -> None:
    plan = Plan(
        TARGET,
        schedule=OpenLoop((Phase(1.0, 5.0, 5.0),), queue_limit=11),
        connections=10,
        threads=4,
        duration_s=None,
        request_count=103,
    )
    parts = split(plan, 4)
    assert [part.connections for part in parts] == [3, 3, 2, 2]
    assert [part.threads for part in parts] == [3, 3, 2, 2], "never more than connections"
    assert sum(part.request_count or 0 for part in parts) == 103
    assert sum(p.schedule.queue_limit for p in parts if isinstance(p.schedule, OpenLoop)) == 11


def test_seeds_differ_and_the_next_seed_repeats_none() -> None:
    plan = Plan(TARGET, connections=50)
    seeds = [
        part.seed
        for seed in (1, 2, 3)
        for part in split(Plan(TARGET, seed=seed, connections=50), 50)
    ]
    assert len(set(seeds)) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert split(plan, 1) == (plan,), "one agent does the very plan"


def test_numbered_requests_do_not_meet() -> None:
    request = Request("/{{seq:5}}", headers=(("X-N", "{{seq}}"),), body="{{ seq : 7 }}")
    plan = Plan(TARGET, (request,), connections=3, duration_s=None, request_count=7)
    parts = [part.requests[0] for part in split(plan, 3)]
    assert [part.path for part in parts] == ["/{{seq:5}}", "/{{seq:8}}", "/{{seq:10}}"]
    assert parts[2].headers == (("X-N", "{{seq:5}}"),)
    assert parts[2].body == "{{seq:12}}"
    timed = split(Plan(TARGET, (Request("/{{seq}}"),), connections=3), 3)
    numbers = [0, *(int(part.requests[0].path[7:-2]) for part in timed[1:])]
    assert all(later - earlier >= 10**12 for earlier, later in pairwise(numbers))
    literal = Plan(TARGET, (Request("/{{seq}}", templates=False),), connections=3)
    assert split(literal, 3)[2].requests[0].path == "/{{seq}}"


def test_too_little_to_share_is_refused() -> None:
    with pytest.raises(PlanError, match="connections is 3, too few for 4 agents"):
        split(Plan(TARGET, connections=3), 4)
    with pytest.raises(PlanError, match="request_count is 2"):
        split(Plan(TARGET, connections=9, request_count=2), 4)


def test_files_are_found_and_moved(tmp_path: Path) -> None:
    plan = Plan(
        TARGET,
        (
            Request("/{{line:/a/names.txt:random}}", headers=(("X", "{{csv:/t.csv:id}}"),)),
            Request("/{{line:/literal}}", templates=False),
        ),
        tls=Tls(ca_file="/ca.pem"),
    )
    assert named_files(plan) == {"/a/names.txt": "line", "/t.csv": "csv", "/ca.pem": "tls"}
    moved = relocate(plan, {"/a/names.txt": "/w/0", "/t.csv": "/w/1", "/ca.pem": "/w/2"})
    assert moved.requests[0].path == "/{{line:/w/0:random}}"
    assert moved.requests[0].headers == (("X", "{{csv:/w/1:id}}"),)
    assert moved.requests[1] == plan.requests[1]
    assert moved.tls == Tls(ca_file="/w/2")
    with pytest.raises(UsageError, match=r"/a/names\.txt cannot be read"):
        read_files(plan)


def test_partitioned_rows_are_used_once_and_shared_ones_by_all() -> None:
    plan = Plan(TARGET, (Request("/{{line:l}}/{{csv:t:id}}"),), tls=Tls(ca_file="c"))
    contents = {"l": b"a\nb\nc\n", "t": b'id,x\n1,"p,\nq"\n2,r\n3,s\n', "c": b"pem"}
    parts = [for_agent(plan, contents, "partitioned", agent, 2) for agent in range(2)]
    assert [part["l"] for part in parts] == [b"a\nc\n", b"b\n"]
    assert [part["t"] for part in parts] == [b'id,x\n1,"p,\nq"\n3,s\n', b"id,x\n2,r\n"]
    assert [part["c"] for part in parts] == [b"pem", b"pem"]
    assert for_agent(plan, contents, "shared", 1, 2) == contents
    with pytest.raises(PlanError, match="l has 3 rows, too few to partition among 4 agents"):
        for_agent(plan, contents, "partitioned", 0, 4)


def test_the_quickest_round_tells_the_offset() -> None:
    slow = Round(asked=0, there=1_900, answered=1_000)  # answered late on the way there
    quick = Round(asked=5_000, there=6_060, answered=5_100)
    found = offset_of([slow, quick])
    assert (found.ns, found.error_ns) == (1_010, 50)
    assert abs(found.ns - 1_000) <= found.error_ns
