"""The generated references are what the code says, and leave nothing out."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click
import pytest
from scripts.reference import ROOT, outdated
from scripts.reference.described import described
from scripts.reference.markdown import prose, table
from scripts.reference.schema import LOAD, RUN, RUN_FILE, objects_below

from syncline.cli import cli
from syncline.cli.group import COMMANDS
from syncline.config import entries
from syncline.finding import Code, Contrast, Evidence, Finding, Fix, Side, Verification
from syncline.outcome import Observation, Outcome, Series, Silence
from syncline.plan import Plan
from syncline.record import Comparison
from syncline.record_json import run_json
from syncline.report.load_export import load_json
from tests.unit.factories import load_result, run_record


def test_the_references_are_current() -> None:
    assert outdated() == [], "run: make reference"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_in_the_reference(name: str) -> None:
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## syncline {name}\n")[2].partition("\n## ")[0]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    spelled = [
        spelling
        for one in command.params
        if isinstance(one, click.Option) and not one.hidden
        for spelling in (*one.opts, *one.secondary_opts)
    ]
    rows = [line for line in section.splitlines() if line.startswith("| `-")]
    missing = [word for word in spelled if not any(f"{word}" in row.split("`")[1] for row in rows)]
    assert missing == []


def test_every_key_every_code_and_every_what_if_is_in_the_reference() -> None:
    keys = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    assert [one.name for one in entries() if f"| `{one.name}` |" not in keys] == []
    findings = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    assert [code for code in typing.get_args(Code) if f"\n## {code}\n" not in findings] == []


def test_every_series_that_an_observer_names_is_in_the_reference() -> None:
    page = (ROOT / "docs/observations.md").read_text(encoding="utf-8")
    observers = "process|sockets|listen|machine|postgres|mariadb|valkey"
    named = {
        name
        for source in (ROOT / "python/syncline/observe").glob("*.py")
        for name in re.findall(
            rf'"((?:{observers})\.[a-z_.]+)"', source.read_text(encoding="utf-8")
        )
    }
    assert len(named) > 40
    # What ends with a dot goes on with a state, a core or an event.
    whole = {name if name.endswith(".") else f"{name}`" for name in named}
    assert sorted(name for name in whole if f"`{name}" not in page) == []


def test_a_run_keeps_to_its_schema() -> None:
    assert list(_faults(run_json(_full_run()), RUN, RUN)) == []


def test_a_load_keeps_to_its_schema() -> None:
    data = load_json(Plan("http://127.0.0.1:8000/"), load_result())
    assert list(_faults(data, LOAD, LOAD)) == []


def test_the_schema_refuses_what_a_run_is_not() -> None:
    data = json.loads(json.dumps(run_json(_full_run())))
    data["trials"][0]["result"]["ok"] = "many"
    data["findings"][0]["severity"] = "grave"
    del data["id"]
    data["novelty"] = 1
    assert sorted(_faults(data, RUN, RUN)) == [
        "$.findings[0].severity",
        "$.id is missing",
        "$.novelty is not in the schema",
        "$.trials[0].result",
    ]


def test_every_object_of_a_run_says_what_it_is() -> None:
    assert [one.name for one in objects_below(RUN_FILE) if not one.about] == []


def test_a_docstring_cannot_tell_of_a_field_that_is_not_there() -> None:
    class Strange:
        """Odd.

        Attributes:
            gone: was here once.
        """

    with pytest.raises(TypeError):
        described(Strange)
    strange = type("Strange", (Side,), {"__doc__": Strange.__doc__})
    with pytest.raises(ValueError, match="documents gone"):
        described(strange)


def test_text_cannot_break_out_of_its_cell() -> None:
    assert prose("a*b ``c|d`` <e> f_g _h") == "a\\*b `c|d` \\<e> f_g \\_h"
    assert table(("x",), (("a|b",),)).splitlines()[2] == "| a\\|b |"


def _full_run() -> Any:
    """A run in which everything that may be absent is there."""
    side = Side(2, 0, 0, 812.0, (790.0, 835.0))
    contrast = Contrast("read", 48, side, side, 2, ("a reason",), 1.1, (1.0, 1.2), 0.05, "improved")
    proof = Verification("improved", 1.1, (1.0, 1.2), 48, levels=(contrast,))
    fix = Fix("Open the session late.", what_if={"pool_size": "50"}, bound=90)
    finding = Finding(
        code="pool-exhausted",
        severity="warning",
        confidence=0.9,
        variant="sync",
        level=48,
        summary="Requests wait.",
        mechanism="A pool is finite.",
        evidence=(Evidence("waiters", 12, 1, 0.5, "probe"),),
        fix=fix,
        consequences=("hang",),
        verification=proof,
    )
    record = run_record()
    trials = tuple((trial, _seen(left)) for trial, left in record.trials)
    comparison = Comparison("read", 48, "throughput_rps", "sync", "async", 1.1, (1.0, 1.2))
    return replace(record, trials=trials, findings=(finding,), comparisons=(comparison,))


def _seen(left: Outcome) -> Outcome:
    return replace(
        left,
        hang=Silence(0.4, 4.6, True),
        series={"probe.tasks": Series("1", (0.1, 0.2), (3.0, None))},
        observations=(Observation("probe", "note", "Nothing to see.", data={"pid": 7}),),
    )


def _faults(data: object, schema: Any, root: Any, where: str = "$") -> Iterator[str]:
    """Where ``data`` does not keep to ``schema``: the part of JSON Schema that ours are made of."""
    if "$ref" in schema:
        inner = root["$defs"][schema["$ref"].rpartition("/")[2]]
        yield from _faults(data, inner, root, where)
    elif "anyOf" in schema:
        if all(any(_faults(data, one, root, where)) for one in schema["anyOf"]):
            yield where
    elif "enum" in schema:
        if data not in schema["enum"]:
            yield where
    elif schema.get("type") == "object" and isinstance(data, dict):
        yield from _faults_of_object(data, schema, root, where)
    elif schema.get("type") == "array" and isinstance(data, list):
        places = schema.get("prefixItems") or [schema["items"]] * len(data)
        for number, (item, one) in enumerate(zip(data, places, strict=True)):
            yield from _faults(item, one, root, f"{where}[{number}]")
    elif "type" in schema and not _is(schema["type"], data):
        yield where


def _faults_of_object(data: dict[str, object], schema: Any, root: Any, where: str) -> Iterator[str]:
    yield from (
        f"{where}.{key} is missing" for key in schema.get("required", ()) if key not in data
    )
    others = schema.get("additionalProperties")
    for key, item in data.items():
        one = schema.get("properties", {}).get(key, others)
        if one is None:
            yield f"{where}.{key} is not in the schema"
        else:
            yield from _faults(item, one, root, f"{where}.{key}")


def _is(kind: str, data: object) -> bool:
    match kind:
        case "null":
            return data is None
        case "boolean":
            return isinstance(data, bool)
        case "integer":
            return isinstance(data, int) and not isinstance(data, bool)
        case "number":
            return isinstance(data, int | float) and not isinstance(data, bool)
        case _:
            return kind == "string" and isinstance(data, str)
