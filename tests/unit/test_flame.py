"""Folded stacks: put together, cut, counted, compared, and written for other tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncline.codec import from_json, to_json
from syncline.errors import PlanError
from syncline.flame import (
    changes,
    folded_text,
    from_folded_text,
    label,
    merged,
    owner,
    pruned,
    reading,
    speedscope,
    top,
    yours,
)
from syncline.folded import Folded, Frame, Profile

MAIN = Frame("main", "/srv/app.py", 3)
WORK = Frame("work", "/srv/app.py", 9)
ROUTE = Frame("route", "/venv/lib/python3.12/site-packages/starlette/routing.py", 40)
LOADS = Frame("loads", "/usr/lib/python3.12/json/__init__.py", 299)


def tree() -> Folded:
    return Folded.of({(MAIN, ROUTE, WORK): 6.0, (MAIN, ROUTE, WORK, LOADS): 3.0, (MAIN,): 1.0})


def profile(folded: Folded, requests: int = 10, **changed: Any) -> Profile:
    values: dict[str, Any] = {"kind": "cpu", "measure": "cpu_s", **changed}
    return Profile(folded=folded, duration_s=2.0, requests=requests, **values)


def test_stacks_survive_the_tree_and_json() -> None:
    stacks = {(MAIN, ROUTE, WORK): 6.0, (MAIN, ROUTE, WORK, LOADS): 3.0, (MAIN,): 1.0}
    back = from_json(Folded, json.loads(json.dumps(to_json(Folded.of(stacks)))))
    assert dict(back.stacks()) == stacks
    assert len(back.own) == 4, "stacks that begin alike share their beginning"


def test_a_tree_that_is_none_is_refused() -> None:
    with pytest.raises(PlanError, match="node 0"):
        Folded((MAIN,), (0,), (0,), (1.0,))
    with pytest.raises(PlanError, match="length"):
        Folded((MAIN,), (-1,), (0,), ())


def test_merging_adds_equal_stacks() -> None:
    assert merged([tree(), tree()]).total == 20.0
    assert len(merged([tree(), tree()]).own) == len(tree().own)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 100])
def test_pruning_keeps_the_total_and_the_heavy(most: int) -> None:
    cut = pruned(tree(), most)
    assert cut.total == pytest.approx(10.0)
    assert len(cut.own) == min(most, 4)
    assert next(cut.stacks())[0][0] == MAIN
    if most == 3:
        assert dict(cut.stacks())[(MAIN, ROUTE, WORK)] == 9.0


def test_the_table_tells_own_from_total_and_counts_recursion_once() -> None:
    spots = {spot.name: spot for spot in top(Folded.of({(MAIN, WORK, WORK): 3.0, (MAIN,): 1.0}))}
    assert (spots["work"].own_share, spots["work"].total_share) == (0.75, 0.75)
    assert (spots["main"].own_share, spots["main"].total_share) == (0.25, 1.0)
    assert [spot.name for spot in top(tree(), owners=("library",))] == ["route"]


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        ("/srv/app.py", "yours"),
        ("/usr/lib/python3.12/json/__init__.py", "python"),
        ("/root/.pyenv/versions/3.11.7/lib/python3.11/threading.py", "python"),
        ("/venv/lib/python3.12/site-packages/starlette/routing.py", "library"),
        ("/usr/lib/python3/dist-packages/yaml/nodes.py", "library"),
        ("/venv/lib/python3.12/site-packages/uvloop/loop.cpython-312.so", "native"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "native"),
        ("<frozen importlib._bootstrap>", "python"),
        ("/srv/syncline_probe/sampler.py", "probe"),
    ],
)
def test_whose_a_file_is(file: str, whose: str) -> None:
    assert owner(file) == whose


def test_a_stack_counts_for_the_innermost_of_ones_own_functions() -> None:
    assert yours(tree()) == pytest.approx(
        {Frame("work", "/srv/app.py"): 0.9, Frame("main", "/srv/app.py"): 0.1}
    )


def test_profiles_are_compared_by_request() -> None:
    before = profile(Folded.of({(MAIN, WORK): 10.0}), requests=100)
    after = profile(Folded.of({(MAIN, WORK): 10.0, (MAIN, LOADS): 1.0}), requests=50)
    found = {change.name: change for change in changes(after, before)}
    assert found["work"].more == pytest.approx(0.1), "as much time, for half the requests"
    assert found["loads"].own_other == 0.0
    assert found["loads"].own == pytest.approx(0.02)
    assert changes(profile(tree(), requests=0), before) == ()
    assert changes(profile(tree(), measure="bytes"), before) == ()


def test_folded_text_comes_back_as_it_was() -> None:
    assert dict(from_folded_text(folded_text(tree())).stacks()) == dict(tree().stacks())


def test_folded_text_of_py_spy_is_read() -> None:
    text = (
        "<module> (/srv/app.py:1);burn.<locals>.<genexpr> (/srv/app.py:5) 135\n"
        "0x7f (/usr/lib/libc.so.6);time_sleep (/usr/lib/libpython3.11.so) 2\n\n"
    )
    stacks = dict(from_folded_text(text, scale=0.01).stacks())
    assert (
        stacks[
            (
                Frame("<module>", "/srv/app.py", 1),
                Frame("burn.<locals>.<genexpr>", "/srv/app.py", 5),
            )
        ]
        == 1.35
    )
    assert sum(stacks.values()) == pytest.approx(1.37)


def test_what_would_break_the_format_is_taken_out_of_names() -> None:
    text = folded_text(Folded.of({(Frame("a;b\nc", "/x.py", 1),): 2.0}))
    assert text == "a,b c (/x.py:1) 2\n"


def test_a_line_without_a_weight_is_named() -> None:
    with pytest.raises(PlanError, match="line 2"):
        from_folded_text("a 1\nb;c\n")


def test_speedscope_gets_what_its_schema_asks_for() -> None:
    written = speedscope(tree(), name="users-sync", measure="cpu_s")
    assert written["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    (one,) = written["profiles"]
    assert one["type"] == "sampled"
    assert one["unit"] == "seconds"
    assert one["startValue"] == 0
    assert one["endValue"] == sum(one["weights"]) == 10.0
    assert len(one["samples"]) == len(one["weights"])
    frames = written["shared"]["frames"]
    names = [[frames[number]["name"] for number in sample] for sample in one["samples"]]
    assert ["main", "route", "work", "loads"] in names
    assert all(set(frame) <= {"name", "file", "line", "col"} for frame in frames)
    assert json.dumps(written, allow_nan=False)


def test_a_cpu_profile_reads_by_owner_and_by_the_gil() -> None:
    facts = {"cpu_cores": 0.5, "gil_held": 0.4, "gil_share": 0.8}
    text = reading(profile(tree(), facts=facts))
    assert "0.50 cores: 70% in your code, 30% in Python" in text
    assert "held 40% of the time, and 80% of the CPU time" in text
    assert "no CPU" in reading(profile(Folded()))


def test_an_allocation_profile_reads_by_ones_own_code() -> None:
    stacks = Folded.of({(MAIN, WORK, LOADS): 9.0, (MAIN,): 1.0})
    text = reading(profile(stacks, kind="alloc", measure="bytes"))
    assert "90% is allocated by loads (json/__init__.py)" in text
    assert "90% by work (srv/app.py) of your code" in text


def test_a_label_is_short() -> None:
    assert label(ROUTE) == "route (starlette/routing.py:40)"
    assert label(Frame("<ready>")) == "<ready>"
