"""What an experiment says while it runs, for a display or a log.

Events are told, never asked: nothing that is shown changes what is measured. An observer is
called in the thread that runs the experiment, :class:`TrialProgress` about ten times a second;
it must return at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from syncline.outcome import Outcome, Progress
from syncline.record import Status
from syncline.trial import Case, Experiment, Trial, Variant


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has an id in its store; its first trial is still to come.

    Attributes:
        experiment: the first trials; those that follow from them are told later.
        eta_s: the time to the end of the run, as far as is known now.
    """

    id: str
    case: Case
    experiment: Experiment
    eta_s: float


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """More trials follow from what came of those before.

    Attributes:
        experiment: these trials, and what they are to show.
        total: how many trials the run has by now, these included.
        eta_s: the time to the end of these trials.
    """

    experiment: Experiment
    total: int
    eta_s: float


@dataclass(frozen=True, slots=True)
class BackendStarting:
    """A back end is started, or the user's own is connected to.

    Attributes:
        name: ``postgres``, ``mariadb`` or ``valkey``.
        shown_url: the user's own server without its password; None for one of ours.
    """

    name: str
    shown_url: str | None = None


@dataclass(frozen=True, slots=True)
class DatabasePreparing:
    """The case's tables are created and filled."""

    case: Case


@dataclass(frozen=True, slots=True)
class ServiceStarting:
    """The service is started in this variant.

    Attributes:
        again: it had run before and was restarted; ``reason`` says why.
    """

    variant: Variant
    again: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """The load on one variant begins.

    Attributes:
        index: from 1.
        total: how many trials the run has.
        eta_s: the time to the end of the whole run, this trial included.
    """

    index: int
    total: int
    trial: Trial
    eta_s: float


@dataclass(frozen=True, slots=True)
class TrialProgress:
    """A glance at the trial that runs.

    Attributes:
        seen: the newest value of each quantity that is observed, by its name.
    """

    progress: Progress
    seen: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """A trial ended and is in the store, whole.

    Attributes:
        eta_s: the time to the end of the whole run.
    """

    index: int
    total: int
    trial: Trial
    outcome: Outcome
    eta_s: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know now, in one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last event: services and back ends are stopped.

    Attributes:
        done: how many trials were finished.
    """

    status: Status
    done: int


Event: TypeAlias = (
    RunStarted
    | PhaseStarted
    | BackendStarting
    | DatabasePreparing
    | ServiceStarting
    | TrialStarted
    | TrialProgress
    | TrialFinished
    | Note
    | RunEnded
)

Observer: TypeAlias = Callable[[Event], None]
