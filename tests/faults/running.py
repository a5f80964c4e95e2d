"""Runs one side of a pair through the whole of Syncline, and says whether it was told right."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncline.experiment import run_experiment
from syncline.finding import Finding
from syncline.judge import GENERATOR_REASON
from syncline.record import RunRecord
from syncline.store import Store
from syncline.trial import sweep
from tests.faults.fault import Fault, Side


@dataclass(frozen=True, slots=True)
class Told:
    """What the diagnosis said of one side.

    Attributes:
        reasons: why the trial is invalid, if it is.
    """

    fault: str
    side: Side
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...]

    @property
    def named(self) -> str:
        """The root that stands first; ``nothing`` without a finding."""
        return self.findings[0].code if self.findings else "nothing"

    @property
    def spoilt(self) -> bool:
        """Whether the measurement is none, by its own judgement: the generator was held up."""
        return any(reason.startswith(GENERATOR_REASON) for reason in self.reasons)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Errors and warnings."""
        return tuple(one for one in self.findings if one.severity != "info")


def told(fault: Fault, side: Side, backend_urls: Mapping[str, str] | None = None) -> Told:
    """Runs it once. Raises EnvironmentLackError where a back end cannot run here."""
    record = performed(fault, side, backend_urls)
    reasons = tuple(text for _, outcome in record.trials for text in outcome.validity.reasons)
    return Told(fault.name, side, record.findings, reasons)


def performed(fault: Fault, side: Side, backend_urls: Mapping[str, str] | None = None) -> RunRecord:
    """The record of one run."""
    case = fault.case(side)
    with (
        tempfile.TemporaryDirectory(prefix="syncline-faults-") as place,
        Store.open(Path(place) / "runs.db") as store,
    ):
        return run_experiment(
            case, sweep(case, (side,), case.loads), store=store, backend_urls=backend_urls
        )


def right(fault: Fault, told: Told) -> bool:
    """Whether the fault was named first, or the twin left alone."""
    if told.side == "twin":
        return not told.alarms and bool(told.findings)
    return told.named in (fault.code, *fault.accepted)
