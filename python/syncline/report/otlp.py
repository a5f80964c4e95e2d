"""A run's series as OpenTelemetry metrics, in the JSON form of OTLP.

Format: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding and the metrics' data
model. Names and units are such that a store which takes OTLP into Prometheus' names ends with
those that :mod:`syncline.report.openmetrics` writes, so that one dashboard fits both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from syncline import __version__
from syncline.outcome import Outcome, Series
from syncline.record import RunRecord
from syncline.report.load_series import all_series
from syncline.report.openmetrics import family_of, labels_of
from syncline.trial import Trial

_UNITS = {"bytes": "By", "seconds": "s", "ratio": "1"}
_CUMULATIVE = 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
_NS = 1_000_000_000


def otlp_metrics(record: RunRecord) -> dict[str, Any]:
    """The body of an ``ExportMetricsServiceRequest`` with all that was seen in a run.

    Values are in base units; what was not seen is left out. A trial is told by attributes.
    """
    metrics: dict[str, dict[str, Any]] = {}
    for trial, outcome in record.trials:
        for name, series in sorted(all_series(outcome).items()):
            points = list(_points(trial, outcome, name, series))
            if points:
                _add(metrics, name, series.unit, points)
    scope = {"name": "syncline", "version": __version__}
    resource = _attributes({"service.name": record.case.name, "syncline.run": record.id})
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": resource},
                "scopeMetrics": [{"scope": scope, "metrics": list(metrics.values())}],
            }
        ]
    }


def _add(metrics: dict[str, dict[str, Any]], name: str, unit: str, points: list[Any]) -> None:
    family = family_of(name, unit)
    made = metrics.get(family.name)
    if made is None:
        # With the unit's word in it: two series may differ by their unit alone. Whoever puts
        # units into names, as Prometheus does, leaves one that is there as it is.
        made = metrics[family.name] = {"name": family.name}
        if word := _UNITS.get(family.unit):
            made["unit"] = word
        if family.kind == "counter":
            made["sum"] = {
                "dataPoints": [],
                "aggregationTemporality": _CUMULATIVE,
                "isMonotonic": True,
            }
        else:
            made["gauge"] = {"dataPoints": []}
    form = "sum" if family.kind == "counter" else "gauge"
    if form in made:  # of two spellings of one name the first decides what it is
        made[form]["dataPoints"] += points


def _points(
    trial: Trial, outcome: Outcome, name: str, series: Series
) -> Iterable[Mapping[str, Any]]:
    family = family_of(name, series.unit)
    begun = int(datetime.fromisoformat(outcome.started).timestamp() * 1000) * (_NS // 1000)
    attributes = _attributes(labels_of(trial, name))
    for t_s, value in zip(series.t_s, series.value, strict=True):
        if value is not None:
            # 64-bit numbers are text in protobuf's JSON.
            point: dict[str, Any] = {
                "attributes": attributes,
                "timeUnixNano": str(begun + int(t_s * _NS)),
                "asDouble": value * family.factor,
            }
            if family.kind == "counter":
                point["startTimeUnixNano"] = str(begun)
            yield point


def _attributes(given: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in given.items()]
