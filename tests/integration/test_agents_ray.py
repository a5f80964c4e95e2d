"""Loads from agents on a real Ray cluster of four nodes, and what befalls them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from syncline.agents import Crew, Place, gathered
from syncline.agents.ledger import Ledger
from syncline.consent import ConsentError
from syncline.errors import MeasurementError, UsageError
from syncline.outcome import Progress
from syncline.plan import Plan, Request, constant_rate
from tests.integration.ray_cluster import NODES, Counting, cluster, counting, gone, until

# Ray warns of its own coming changes and leaves sockets to the garbage collector.
# Five raylets take ten seconds to start, and ten times that beside other work.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]

DRIVER = """
import sys
from syncline.agents import Place, gathered
from syncline.plan import Plan
with gathered(Place(sys.argv[1], 2)) as crew:
    print(*crew.processes.values(), flush=True)
    crew.load(Plan(sys.argv[2], duration_s=60.0))
"""

BACK_IN_TIME = """
import sys
from syncline.agents import Place, gathered
from syncline.plan import Plan, constant_rate
with gathered(Place(sys.argv[1], 2)) as crew:
    print("ready", flush=True)
    plan = Plan(sys.argv[2], schedule=constant_rate(100.0), connections=4,
                duration_s=None, request_count=600)
    result = crew.load(plan)
print(result.planned, result.ok, "degraded" in result.notes, *(a.lost_s for a in result.agents))
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    with cluster() as running:
        yield running


@pytest.fixture
def service() -> Iterator[Counting]:
    with counting() as running:
        yield running


@pytest.fixture(scope="module")
def crew_of_four(nodes: Any) -> Iterator[Crew]:
    with gathered(Place(nodes.address, NODES)) as crew:
        yield crew


def once_past(at_s: float, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Something done once, as soon as the load is seen to be that old."""
    left = [act]

    def on_progress(progress: Progress) -> None:
        if progress.elapsed_s > at_s and left:
            left.pop()()

    return on_progress


def test_four_agents_on_four_nodes_send_what_was_asked(
    crew_of_four: Crew, service: Counting
) -> None:
    raylets = {psutil.Process(pid).ppid() for pid in crew_of_four.processes.values()}
    assert len(raylets) == NODES, "one agent per node"
    seen: list[Progress] = []
    plan = Plan(service.url, schedule=constant_rate(401.0), connections=10, duration_s=2.0)
    result = crew_of_four.load(plan, seen.append)
    assert result.planned == 802
    assert [agent.planned for agent in result.agents] == [201, 201, 200, 200]
    assert until(lambda: len(service.paths) >= result.sent, 10)
    assert result.sent == len(service.paths)
    assert result.started == result.ok + result.failed + result.timed_out + result.in_flight
    assert result.service_time_us is not None
    assert result.service_time_us.count == result.ok
    assert sum(interval.ok for interval in result.intervals) == result.ok
    assert result.connections.asked == 10
    assert max(progress.ok for progress in seen) > 201, "the live view is of all agents"


def test_a_counted_load_is_counted_over_all_agents(crew_of_four: Crew, service: Counting) -> None:
    plan = Plan(
        service.url,
        (Request("/{{seq}}"),),
        connections=6,
        duration_s=None,
        request_count=103,
    )
    result = crew_of_four.load(plan)
    assert (result.ok, len(service.paths)) == (103, 103)
    assert sorted(service.paths) == sorted(f"/{number}" for number in range(103))


def test_parts_that_arrive_twice_are_merged_once(
    crew_of_four: Crew, service: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = Ledger.take, []

    def take(self: Ledger, message: Mapping[str, Any]) -> bool:
        new = first(self, message)
        again.append(first(self, message))
        return new

    monkeypatch.setattr(Ledger, "take", take)
    plan = Plan(service.url, connections=8, duration_s=None, request_count=60)
    result = crew_of_four.load(plan)
    assert len(again) >= NODES
    assert not any(again)
    assert (result.ok, len(service.paths)) == (60, 60)
    assert result.service_time_us is not None
    assert result.service_time_us.count == 60


def test_rows_of_a_file_are_used_by_one_agent_each(
    nodes: Any, crew_of_four: Crew, service: Counting, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("".join(f"n{number}\n" for number in range(40)))
    plan = Plan(
        service.url,
        (Request(f"/{{{{line:{names}}}}}"),),
        connections=4,
        duration_s=None,
        request_count=40,
    )
    crew_of_four._sharing = "partitioned"
    try:
        crew_of_four.load(plan)
    finally:
        crew_of_four._sharing = "shared"
    assert sorted(service.paths) == sorted(f"/n{number}" for number in range(40))


def test_a_killed_agent_is_told_and_its_load_not_given_to_others(
    crew_of_four: Crew, service: Counting
) -> None:
    victim = crew_of_four.processes[2]
    plan = Plan(service.url, schedule=constant_rate(400.0), connections=8, duration_s=3.0)
    result = crew_of_four.load(plan, once_past(0.8, lambda: os.kill(victim, signal.SIGKILL)))
    assert result.validity.status == "invalid"
    assert "degraded: agent 2" in result.validity.reasons[0]
    assert "25.0% of the load" in result.validity.reasons[0]
    lost = result.agents[2]
    assert lost.lost_s is not None
    assert lost.lost_s >= 0.8
    assert [agent.planned for agent in result.agents] == [300, 300, None, 300]
    assert result.planned == 900
    assert len(service.paths) < 1200, "nobody sent the lost share"
    again = crew_of_four.load(replace(plan, duration_s=0.5))
    assert [agent.planned for agent in again.agents] == [50] * 4, "the next load has all agents"


def test_an_agent_that_was_held_up_is_named(crew_of_four: Crew, service: Counting) -> None:
    victim = crew_of_four.processes[1]

    def hold() -> None:
        os.kill(victim, signal.SIGSTOP)
        threading.Timer(1.2, os.kill, (victim, signal.SIGCONT)).start()

    plan = Plan(service.url, schedule=constant_rate(400.0), connections=8, duration_s=3.0)
    result = crew_of_four.load(plan, once_past(0.5, hold))
    assert result.generator.bottleneck or result.validity.status == "invalid"
    named = re.compile(r"generator saturated on (all agents\b|agents? (\d+, )*1\b)")
    assert any(named.match(reason) for reason in result.validity.reasons), result.validity.reasons
    assert [agent.lost_s for agent in result.agents] == [None] * 4


def test_agents_ask_for_consent_themselves(crew_of_four: Crew) -> None:
    with pytest.raises(ConsentError, match=r"203\.0\.113\.7 is not on this machine"):
        crew_of_four.load(Plan("http://203.0.113.7"))


def test_a_target_that_no_agent_can_load_is_an_error(crew_of_four: Crew) -> None:
    plan = Plan("http://127.0.0.1:1", (Request("/{{nope}}"),))
    with pytest.raises(MeasurementError, match=r"No agent could run the load.*not known"):
        crew_of_four.load(plan)


def test_a_second_connection_of_one_process_is_refused(nodes: Any, crew_of_four: Crew) -> None:
    with (
        pytest.raises(UsageError, match="connected to Ray already"),
        gathered(Place(nodes.address, 1)),
    ):
        pass


def driver(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def other_driver(
    nodes: Any, service: Counting
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process whose two agents load the service for a minute."""
    spare = nodes.add_node(num_cpus=2)
    child = driver(DRIVER, nodes.address, service.url)
    try:
        assert child.stdout is not None
        pids = [int(word) for word in child.stdout.readline().split()]
        assert len(pids) == 2, child.communicate()
        assert until(lambda: len(service.paths) > 10, 30)
        yield child, pids
    finally:
        child.kill()
        child.communicate()
        nodes.remove_node(spare)


def test_agents_end_when_their_driver_is_killed_or_cut_off(
    other_driver: tuple[subprocess.Popen[str], list[int]], nodes: Any, service: Counting
) -> None:
    child, pids = other_driver
    os.kill(child.pid, signal.SIGSTOP)  # alive to Ray, but nothing comes from it any more
    try:
        assert gone(pids, within_s=12), "the lease of 4 s has ended"
        assert until(lambda: not service.writers, 10), "all that they sent is counted"
        sent = len(service.paths)
    finally:
        os.kill(child.pid, signal.SIGCONT)
    _, said = child.communicate(timeout=60)
    assert "All agents were lost" in said
    assert len(service.paths) == sent

    killed = driver(DRIVER, nodes.address, service.url)
    assert killed.stdout is not None
    pids = [int(word) for word in killed.stdout.readline().split()]
    assert until(lambda: len(service.paths) > sent, 30)
    killed.kill()
    killed.communicate()
    assert gone(pids, within_s=12)


def test_a_driver_that_is_back_within_the_lease_loses_nothing(
    nodes: Any, service: Counting
) -> None:
    spare = nodes.add_node(num_cpus=2)
    child = driver(BACK_IN_TIME, nodes.address, service.url)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", child.communicate()
        assert until(lambda: len(service.paths) > 10, 30)
        os.kill(child.pid, signal.SIGSTOP)
        try:
            seen = len(service.paths)
            assert until(lambda: len(service.paths) > seen + 200, 30), "the agents went on"
        finally:
            os.kill(child.pid, signal.SIGCONT)
        said, problem = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
        nodes.remove_node(spare)
    assert said, problem
    planned, ok, degraded, *lost = said.split()
    assert (planned, ok, degraded, lost) == ("600", "600", "False", ["None", "None"]), said
    assert len(service.paths) == 600


def test_a_node_that_never_joins_and_one_that_joins_late(nodes: Any, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom syncline.agents import Place, gathered\n"
        "from syncline.errors import SynclineError\n"
        "try:\n"
        "    with gathered(Place(sys.argv[1], 1, wait_s=float(sys.argv[2]))) as crew:\n"
        "        print('gathered', len(crew.processes))\n"
        "except SynclineError as error:\n"
        "    print(error)\n"
    )
    never, _ = driver(script, nodes.address, "1").communicate(timeout=60)
    assert "1 agents with 1 core each found no place within 1 s" in never
    late = driver(script, nodes.address, "60")
    # Of another version: it says so in the file that its start-up reads.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\ntrue = m.version\n"
        "m.version = lambda name: '0.0.9' if name == 'syncline' else true(name)\n"
    )
    node = nodes.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(tmp_path)})
    try:
        said, _ = late.communicate(timeout=60)
    finally:
        nodes.remove_node(node)
    assert "runs Syncline 0.0.9, this is" in said


def load_command(url: str, *options: str) -> subprocess.Popen[str]:
    """A load on a private cluster, as the leader of its own process group."""
    program = str(Path(sys.executable).with_name("syncline"))
    command = [program, "load", url, "--on", "ray", "--agents", "2"]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def started_by(child: subprocess.Popen[str]) -> list[int]:
    return [process.pid for process in psutil.Process(child.pid).children(recursive=True)]


def test_a_private_cluster_ends_with_its_run(service: Counting, tmp_path: Path) -> None:
    written = tmp_path / "result.json"
    child = load_command(service.url, "-d", "60", "--json", str(written))
    assert until(lambda: len(service.paths) > 10 or child.poll() is not None, 120)
    assert child.poll() is None, child.communicate()
    processes = started_by(child)
    assert len(processes) >= 4, "a cluster of its own"
    os.killpg(child.pid, signal.SIGINT)  # as Ctrl-C does: to all of them
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130, said
    result = json.loads(written.read_text())
    assert [agent["number"] for agent in result["agents"]] == [0, 1]
    assert result["ok"] > 0, "what was measured until then is kept"
    assert gone(processes, within_s=20)


TWICE = """
import sys
from syncline.agents import Place, load
from syncline.plan import Plan

for agents in (1, 2):
    plan = Plan(sys.argv[1], connections=2, duration_s=None, request_count=10)
    print(load(plan, place=Place(agents=agents)).ok)
"""


def test_a_process_may_have_one_private_cluster_after_the_other(service: Counting) -> None:
    words = [sys.executable, "-c", TWICE, service.url]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["10", "10"]


def test_a_private_cluster_ends_when_its_run_is_killed(service: Counting) -> None:
    child = load_command(service.url, "-d", "60")
    assert until(lambda: len(service.paths) > 10 or child.poll() is not None, 120)
    assert child.poll() is None, child.communicate()
    # Two helpers of Ray, which carry no load, look for their head for a minute before they leave.
    processes = [pid for pid in started_by(child) if not _is_helper(pid)]
    assert len(processes) >= 4
    child.kill()
    child.communicate()
    assert gone(processes, within_s=40)
    assert until(lambda: not service.writers, 10), "all that they sent is counted"
    sent = len(service.paths)
    assert not until(lambda: len(service.paths) > sent, 0.5), "nothing is sent any more"


def _is_helper(pid: int) -> bool:
    try:
        return psutil.Process(pid).name().startswith(("ray::Dashboard", "ray::RuntimeEnv"))
    except psutil.NoSuchProcess:  # an idle worker of Ray's that has left by itself
        return True
