"""The series of a run's trials as OpenMetrics text, with an instant on every sample.

Format: https://prometheus.io/docs/specs/om/open_metrics_spec/. Databases that take such text
with its times (``promtool tsdb create-blocks-from openmetrics``) then hold the whole run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from syncline.outcome import Outcome, Series
from syncline.report import clean
from syncline.report.load_series import all_series
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
        for name, series in sorted(all_series(outcome).items()):
            family = family_of(name, series.unit)
            kind = f"# TYPE {family.name} {family.kind}"
            if family.name in heads and heads[family.name][0] != kind:
                continue  # two spellings of one name; a family has one type
            unit = [f"# UNIT {family.name} {family.unit}"] if family.unit else []
            heads.setdefault(family.name, [kind, *unit])
            lines = families.setdefault(family.name, [])
            head = f"{family.sample}{_labels(trial, name)}"
            lines += _samples(head, series, family.factor, begun)
    text = [line for family in sorted(families) for line in (*heads[family], *families[family])]
    return "\n".join([*text, "# EOF"]) + "\n"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family.

    Attributes:
        name: with its unit at the end.
        kind: ``gauge`` or ``counter``.
        unit: in words, or empty; ``factor`` is what values are multiplied by for it.
    """

    name: str
    kind: str
    unit: str
    factor: float

    @property
    def sample(self) -> str:
        """What its samples are called."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def family_of(name: str, unit: str) -> Family:
    """The family that a series of that name and unit belongs to."""
    counter = name.endswith("_total")
    plain = _PROCESS.sub("", name).removesuffix("_total")
    word, factor = _UNITS.get(unit, ("", 1.0))
    plain = _NOT_IN_NAMES.sub("_", plain).strip("_")
    if word:
        plain = _SPELLINGS.sub("", plain)
    family = f"syncline_{plain}_{word}" if word else f"syncline_{plain}"
    return Family(family, "counter" if counter else "gauge", word, factor)


def labels_of(trial: Trial, name: str) -> dict[str, str]:
    """By what a sample of that series is told from others of its family."""
    given = {
        "case": trial.case,
        "variant": trial.variant.name,
        "load": trial.load.name,
        "connections": str(trial.load.connections),
        "repeat": str(trial.repeat),
    }
    if (process := _PROCESS.search(name)) is not None:
        given["pid"] = process[1]
    return given


def _labels(trial: Trial, name: str) -> str:
    given = labels_of(trial, name).items()
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in given) + "}"


def _escaped(value: str) -> str:
    return clean.plain(value).replace("\\", "\\\\").replace('"', '\\"')


def _samples(head: str, series: Series, factor: float, begun: float) -> list[str]:
    return [
        f"{head} {value * factor:.10g} {begun + t_s:.3f}"
        for t_s, value in zip(series.t_s, series.value, strict=True)
        if value is not None
    ]
