"""Profiles in a report: whole, and the same bytes each time."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from syncline.folded import Folded, Frame, Profile
from syncline.outcome import Outcome
from syncline.report.document import Flame
from syncline.report.profiles import profile_nodes
from syncline.trial import Trial
from tests.unit.factories import case, outcome


def profiled() -> tuple[Trial, Outcome]:
    """A trial with a CPU profile of one function, seen at two of its lines."""
    stacks = {(Frame("work", "/srv/app.py", line),): float(line) for line in (1, 2)}
    taken = Profile("cpu", "cpu_s", Folded.of(stacks), duration_s=3.0, requests=10)
    asked = case()
    trial = Trial(asked.name, asked.variant("sync"), asked.loads[0], phase="profile", about="cpu")
    return trial, replace(outcome(), profiles=(taken,))


def flames() -> list[Flame]:
    return [one for one in profile_nodes([profiled()], flames=True) if isinstance(one, Flame)]


def test_a_flame_graph_of_functions_brings_the_profile_with_its_lines() -> None:
    (flame,) = flames()
    assert flame.whole is not None
    assert len(flame.stacks) == 1
    assert flame.whole.name == "users-sync-cpu.speedscope.json.gz"
    written = json.loads(gzip.decompress(flame.whole.content))
    assert [frame["line"] for frame in written["shared"]["frames"]] == [1, 2]


def test_the_same_profile_makes_the_same_bytes() -> None:
    assert flames() == flames()


def test_what_cannot_draw_gets_the_tables_alone() -> None:
    nodes = profile_nodes([profiled()])
    assert nodes
    assert not any(isinstance(one, Flame) for one in nodes)
