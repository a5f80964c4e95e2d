"""The series of a run's trials as OpenMetrics text, with an instant on every sample.

Format: https://prometheus.io/docs/specs/om/open_metrics_spec/. Databases that take such text
with its times (``promtool tsdb create-blocks-from openmetrics``) then hold the whole run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from syncline.outcome import Outcome, Series
from syncline.report import clean
from syncline.trial import Trial

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]+")
_PROCESS = re.compile(r"\[(\d+)\]$")
# What a unit is called here, and by how much its values are to be multiplied.
_UNITS = {
    "bytes": ("bytes", 1.0),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "cores": ("cores", 1.0),
    "share": ("ratio", 1.0),
}
_SPELLINGS = re.compile(r"_(?:bytes|s|ms|us|cores|share)(?=_|$)")


def openmetrics(trials: Iterable[tuple[Trial, Outcome]]) -> str:
    """One metric family per quantity; a trial is told by its labels.

    Values are in base units. What was not seen is left out.
    """
    trials = tuple(trials)
    families: dict[str, list[str]] = {}
    heads: dict[str, list[str]] = {}
    for trial, outcome in trials:
        begun = datetime.fromisoformat(outcome.started).timestamp()
        for name, series in sorted(outcome.series.items()):
            family, kind, unit, factor = _family(name, series.unit)
            if family in heads and heads[family][0] != f"# TYPE {family} {kind}":
                continue  # two spellings of one name; a family has one type
            heads.setdefault(
                family,
                [f"# TYPE {family} {kind}", *([f"# UNIT {family} {unit}"] if unit else [])],
            )
            process = _PROCESS.search(name)
            labels = _labels(trial, process[1] if process else None)
            sample = f"{family}_total" if kind == "counter" else family
            lines = families.setdefault(family, [])
            lines += _samples(f"{sample}{labels}", series, factor, begun)
    text = [line for family in sorted(families) for line in (*heads[family], *families[family])]
    return "\n".join([*text, "# EOF"]) + "\n"


def _family(name: str, unit: str) -> tuple[str, str, str, float]:
    """The family's name with its unit at the end, its type, its unit, and the values' factor."""
    counter = name.endswith("_total")
    plain = _PROCESS.sub("", name).removesuffix("_total")
    word, factor = _UNITS.get(unit, ("", 1.0))
    plain = _NOT_IN_NAMES.sub("_", plain).strip("_")
    if word:
        plain = _SPELLINGS.sub("", plain)
    family = f"syncline_{plain}_{word}" if word else f"syncline_{plain}"
    return family, "counter" if counter else "gauge", word, factor


def _labels(trial: Trial, process: str | None) -> str:
    given = {
        "case": trial.case,
        "variant": trial.variant.name,
        "load": trial.load.name,
        "connections": str(trial.load.connections),
        "repeat": str(trial.repeat),
    }
    if process is not None:
        given["pid"] = process
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in given.items()) + "}"


def _escaped(value: str) -> str:
    return clean.plain(value).replace("\\", "\\\\").replace('"', '\\"')


def _samples(head: str, series: Series, factor: float, begun: float) -> list[str]:
    return [
        f"{head} {value * factor:.10g} {begun + t_s:.3f}"
        for t_s, value in zip(series.t_s, series.value, strict=True)
        if value is not None
    ]
