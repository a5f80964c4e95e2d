"""A load's result as files for other programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from syncline.codec import to_json
from syncline.mask import mask
from syncline.outcome import Interval, LoadResult, Quantiles
from syncline.plan import Plan, Request
from syncline.report import clean

SCHEMA = 1

_PLAIN = (
    *("start_s", "end_s", "warmup", "planned", "started", "ok", "failed", "timed_out"),
    *("in_flight", "queued", "bytes_in", "bytes_out"),
)
_TIMES = ("service_time_us", "response_time_us")
_QUANTILES = tuple(field.name for field in fields(Quantiles))


def load_json(plan: Plan, result: LoadResult, *, interrupted: bool = False) -> dict[str, Any]:
    """The RESULT of docs/architecture.md with ``schema`` and ``plan`` beside it.

    Credentials in the plan are masked; what is not known is None.
    """
    return {
        "schema": SCHEMA,
        "interrupted": interrupted,
        "plan": to_json(masked(plan)),
        **to_json(result),
    }


def masked(plan: Plan) -> Plan:
    """The plan without what would let a reader of the report in."""
    requests = tuple(_masked_request(request) for request in plan.requests)
    return replace(plan, target=mask(plan.target), requests=requests)


def _masked_request(request: Request) -> Request:
    headers = tuple(
        (name, mask(f"{name}: {value}").partition(": ")[2]) for name, value in request.headers
    )
    return replace(request, path=mask(request.path), name=mask(request.name), headers=headers)


def intervals_csv(intervals: Iterable[Interval]) -> str:
    """One row per interval; status classes, error kinds and quantiles as columns.

    A cell is empty where nothing is known.
    """
    rows = tuple(intervals)
    statuses = sorted({name for row in rows for name in row.status})
    errors = sorted({name for row in rows for name in row.errors})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *_PLAIN,
            *(clean.csv(f"status_{name}") for name in statuses),
            *(clean.csv(f"error_{name}") for name in errors),
            *(_with_unit(times, name) for times in _TIMES for name in _QUANTILES),
        ]
    )
    for row in rows:
        writer.writerow(
            [
                *(_cell(getattr(row, name)) for name in _PLAIN),
                *(row.status.get(name, 0) for name in statuses),
                *(row.errors.get(name, 0) for name in errors),
                *(_quantile(getattr(row, times), name) for times in _TIMES for name in _QUANTILES),
            ]
        )
    return text.getvalue()


def _with_unit(times: str, name: str) -> str:
    base = times.removesuffix("_us")
    return f"{base}_{name}" if name == "count" else f"{base}_{name}_us"


def _quantile(summary: Quantiles | None, name: str) -> str:
    return "" if summary is None else _cell(getattr(summary, name))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return clean.csv(str(value))
