"""The figures that later runs are held against, small enough to be committed and reviewed.

The file has sorted keys, figures of four significant digits and one cell a line, so that a diff
shows which cell moved and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncline.codec import from_json, to_json
from syncline.errors import PlanError, UsageError
from syncline.judge import blame
from syncline.objective import LATENCIES, Quantity, measure
from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.stats import Cell, cells

SCHEMA = 1
KIND = "syncline-baseline"
# What a committed file keeps: more would drown what matters in the diff.
KEPT: tuple[Quantity, ...] = ("throughput", "p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class BaselineCell:
    """One variant under one load.

    Attributes:
        offered_rps: the constant rate of an open loop; None in closed loop.
        figures: by quantity, one for each repeat that counts, in their order; latencies in
            microseconds, throughput in requests per second.
        stopped: what the service did instead: ``hung``; empty if it answered.
    """

    variant: str
    load: str
    connections: int
    offered_rps: float | None
    figures: Mapping[str, tuple[float, ...]]
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures of one run.

    Attributes:
        run: its id.
        machine: what it ran on, in words, since figures of another machine say little.
    """

    run: str
    case: str
    machine: str
    cells: tuple[BaselineCell, ...]

    def find(self, variant: str, cell: Cell) -> BaselineCell | None:
        """The cell that compares to another run's."""
        for one in self.cells:
            if (one.variant, one.load, one.connections, one.offered_rps) == (
                variant,
                cell.load,
                cell.connections,
                cell.offered_rps,
            ):
                return one
        return None


def baseline_of(record: RunRecord) -> Baseline:
    """A run as a baseline, every quantity of it."""
    machine = record.environment
    return Baseline(
        run=record.id,
        case=record.case.name,
        machine=f"{machine.system}, {machine.cpu or 'unknown processor'}, {machine.cores} cores, "
        f"{machine.python}",
        cells=tuple(
            _cell(variant, cell, [repeats[number] for number in sorted(repeats)])
            for cell, variants in cells(record.of_phase("sweep")).items()
            for variant, repeats in variants.items()
        ),
    )


def write_baseline(baseline: Baseline) -> str:
    """The text of a file to commit."""
    head = {
        "case": baseline.case,
        "kind": KIND,
        "machine": baseline.machine,
        "run": baseline.run,
        "schema": SCHEMA,
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    rows = ",\n".join(
        f"    {json.dumps(_row(cell), sort_keys=True)}"
        for cell in sorted(
            baseline.cells,
            key=lambda one: (one.load, one.connections, one.offered_rps or 0, one.variant),
        )
    )
    return "\n".join(["{", '  "cells": [', rows, "  ],", *lines])[:-1] + "\n}\n"


def read_baseline(text: str, where: str) -> Baseline:
    """The baseline of a file's text.

    Raises:
        UsageError: it is none, or of another version.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no whole JSON file: {error}.") from error
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise UsageError(f"{where} is no baseline; 'syncline baseline RUN --out FILE' writes one.")
    if data.get("schema") != SCHEMA:
        raise UsageError(
            f"{where} has schema {data.get('schema')!r}; this Syncline reads {SCHEMA}."
        )
    rest = {name: value for name, value in data.items() if name not in ("kind", "schema")}
    try:
        return from_json(Baseline, rest, where)
    except PlanError as error:
        raise UsageError(str(error)) from error


def _cell(variant: str, cell: Cell, outcomes: list[Outcome]) -> BaselineCell:
    figures: dict[str, tuple[float, ...]] = {}
    counted = [one for one in outcomes if blame(one) == "nobody" and one.result is not None]
    quantities: tuple[Quantity, ...] = ("throughput", *LATENCIES)
    for quantity in quantities:
        values = [measure(quantity, one.result) for one in counted if one.result is not None]
        known = tuple(value for value in values if value)
        if known:
            figures[quantity] = known
    hung = any(one.hang is not None for one in outcomes)
    broke = any(blame(one) == "service" for one in outcomes)
    stopped = "hung" if hung else "failed" if broke else ""
    return BaselineCell(variant, cell.load, cell.connections, cell.offered_rps, figures, stopped)


def _row(cell: BaselineCell) -> dict[str, Any]:
    data: dict[str, Any] = to_json(cell)
    data["figures"] = {
        name: [float(f"{value:.4g}") for value in cell.figures[name]]
        for name in KEPT
        if name in cell.figures
    }
    return data
