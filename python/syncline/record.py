"""A run as one frozen value: what was asked, on what machine, what came, what it compares to.

A :class:`RunRecord` stands on its own: it holds the whole case, published figures included, so
that a report needs neither the case's code nor the machine it ran on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncline.finding import Finding
from syncline.outcome import Outcome
from syncline.trial import Case, Phase, Trial

Status = Literal["running", "finished", "interrupted", "failed"]
Metric = Literal["throughput_rps", "p50_us", "p99_us"]
Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, slots=True)
class Noise:
    """How noisy a machine was while nothing of a run was under way yet.

    Attributes:
        others_share: the share of its processors in use by others.
        steal_share: the share that the hypervisor kept.
        loop_spread: how much longer the middle lap of a timed loop took than the shortest.
        frequency_mhz: the lowest and the highest of its cores.
        measured_s: for how long it was watched.
    """

    others_share: float | None
    steal_share: float | None
    loop_spread: float | None
    frequency_mhz: tuple[float, float] | None
    measured_s: float


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine and the software of a run. What could not be found out is None.

    Attributes:
        syncline: its version.
        python: the interpreter that ran the services, such as ``CPython 3.11.2``.
        system: the operating system and architecture.
        kernel: the kernel's release.
        cpu: the model's name.
        cores: how many this process may use.
        memory_bytes: of the machine, or of the control group if that is less.
        libraries: versions of those that shape the figures, by name.
        commit: of the repository in the working directory.
        dirty: whether that repository had uncommitted changes.
        servers: versions of back ends, by name.
        noise: how noisy the machine was just before; None if it was not measured.
        placing: which cores generator, service and database were bound to, or why they were not.
    """

    syncline: str
    python: str
    system: str
    kernel: str
    cpu: str | None
    cores: int
    memory_bytes: int | None
    libraries: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    servers: Mapping[str, str] = field(default_factory=dict)
    noise: Noise | None = None
    placing: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is done, beside its trials: what resuming it must do the same way.

    Attributes:
        probe: whether services run with the probe inside.
        servers: the user's own servers, by back end, their passwords masked.
        verify: with how much effort fixes are proven after the sweep.
        fresh: whether each round of the sweep starts its services anew.
        sought: what a search that is no sweep was asked, as JSON data with its ``kind``
            (``capacity``, ``tuning``); empty for a sweep.
    """

    probe: bool = True
    servers: Mapping[str, str] = field(default_factory=dict)
    verify: Literal["no", "quick", "full"] = "no"
    fresh: bool = False
    sought: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that was taken up again.

    Attributes:
        started: when, as UTC in ISO 8601.
        after: how many trials were in the store by then; later ones ran here.
        differences: what was not as at the run's start, a phrase each.
    """

    started: str
    after: int
    environment: Environment
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two variants under the same load, in one metric.

    Attributes:
        load, connections: the cell: the load's name and its level.
        baseline, candidate: names of the variants.
        ratio: candidate over baseline; None where one of them has no valid figure.
        interval: its 95 % confidence interval; None with fewer than two repeats of each,
            when the noise between repeats is not known.
        verdict: None without an interval: a single pair of figures is no verdict.
        reason: why ``ratio`` or ``interval`` is None, in words; empty otherwise.
        offered_rps: the offered rate of an open loop, where it is a single one.
        pairs: how many pairs of trials the ratio is made of.
        could_have_seen: the smallest difference from 1, as a share, that this measurement would
            have shown in 4 of 5 cases; None without an interval.
        method: how ``interval``, or else ``within``, was made.
        within: with one pair only, the 95 % interval from blocks within the two trials. What
            differs between trials is not in it, so it is a lower bound and makes no verdict.
        others_share: the share of the machine that others used during the trials; None if it
            was not observed.
        words: the verdict for a person: ``no difference shown (could have seen 4 %)``.
    """

    load: str
    connections: int
    metric: Metric
    baseline: str
    candidate: str
    ratio: float | None
    interval: tuple[float, float] | None = None
    verdict: Verdict | None = None
    reason: str = ""
    offered_rps: float | None = None
    pairs: int = 0
    could_have_seen: float | None = None
    method: str = ""
    within: tuple[float, float] | None = None
    others_share: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything that is known of one run of an experiment.

    Attributes:
        id: of the run in its store; sorts by the time of its start.
        case: the whole case as it was run.
        purpose: what the trials are to show, in a sentence.
        status: ``interrupted`` and ``failed`` runs keep the trials that were finished.
        started, ended: UTC in ISO 8601; ``ended`` is None while it runs.
        command_line: what was typed, secrets masked.
        environment: what it ran on.
        planned: every trial that was asked for, in order.
        trials: those that were finished, each with its outcome, in the order they ran.
        comparisons: of cells with the same load, against the first variant.
        findings: why its variants bend, the gravest first.
        settings: how it is done, beside its trials.
        resumptions: how often, when and on what it was taken up again.
    """

    id: str
    case: Case
    purpose: str
    status: Status
    started: str
    ended: str | None
    command_line: tuple[str, ...]
    environment: Environment
    planned: tuple[Trial, ...]
    trials: tuple[tuple[Trial, Outcome], ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    findings: tuple[Finding, ...] = ()
    settings: Settings = field(default_factory=Settings)
    resumptions: tuple[Resumption, ...] = ()

    def of_phase(self, phase: Phase) -> tuple[tuple[Trial, Outcome], ...]:
        """The finished trials of one phase."""
        return tuple((trial, outcome) for trial, outcome in self.trials if trial.phase == phase)

    @property
    def missing(self) -> tuple[Trial, ...]:
        """The planned trials that have no outcome yet."""
        done = {trial.identity for trial, _ in self.trials}
        return tuple(trial for trial in self.planned if trial.identity not in done)
