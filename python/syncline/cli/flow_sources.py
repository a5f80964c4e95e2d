"""Scripts of wrk and flows in Python behind ``syncline load``."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from syncline import flow
from syncline.cli.recorded import rows_or_mix
from syncline.cli.sending import Sending
from syncline.errors import UsageError
from syncline.flow.wrk import open_script
from syncline.outcome import Interrupted, LoadResult, Progress
from syncline.plan import Plan, Request

SAMPLE = 10_000


def send_flow(scenario: flow.Scenario, plan: Plan, name: str = "") -> Sending:
    """A flow, sent by helper processes."""
    shown = name or f"{Path(scenario.file).name}:{scenario.name}"
    base = replace(plan.requests[0], name=shown)
    sending = Sending(
        replace(plan, requests=(base,)),
        notes=(
            f"{shown} is sent from Python in {_processes(plan)}: slower than the engine and less "
            "exact; how busy they were is told below.",
        ),
    )

    def send(asked: Plan, on_progress: Callable[[Progress], None] | None) -> LoadResult:
        result = flow.load(asked, scenario, on_progress)
        sending.flows = result.flows
        if result.interrupted:
            raise Interrupted(result.load)
        return result.load

    sending.send = send
    return sending


def send_script(scenario: flow.Scenario, plan: Plan, folder: Path) -> Sending:
    """A script of wrk, by the engine where it can be, else as a flow."""
    script = open_script(scenario, plan)
    name = Path(scenario.file).name
    if script.way == "flow":
        sending = send_flow(scenario, plan, name)
        sending.script = script
        return sending
    base = plan.requests[0]
    began_s = perf_counter()
    count = 1 if script.way == "static" else min(SAMPLE, plan.request_count or SAMPLE)
    requests = tuple(replace(one, expect=base.expect) for one in script.sample(count))
    took_s = perf_counter() - began_s
    if script.way == "static":
        note = f"{name} sends the same request each time: sent by the engine, without Lua."
        kinds = tuple(_on_wire(one) for one in requests)
        return Sending(replace(plan, requests=kinds), notes=(note,), script=script)
    try:
        kinds = rows_or_mix(tuple(_on_wire(one) for one in requests), folder, name)
    except UsageError:
        sending = send_flow(scenario, plan, name)
        sending.script = script
        return sending
    note = (
        f"{name} makes its requests without looking at answers, so {count:,} were made before "
        f"the load (in {took_s:.1f} s) and the engine sends them in that order, over and over."
    )
    return Sending(replace(plan, requests=kinds), notes=(note,), script=script)


def _on_wire(one: Request) -> Request:
    """The request with its body as text if it is UTF-8, else in base64."""
    if one.body is None:
        return one
    data = one.body.encode("latin-1")
    try:
        return replace(one, body=data.decode())
    except UnicodeDecodeError:
        return replace(one, body=None, body_base64=base64.b64encode(data).decode("ascii"))


def _processes(plan: Plan) -> str:
    return "one process" if plan.threads == 1 else f"{plan.threads} processes"
