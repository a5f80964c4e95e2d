"""One run of an experiment from its first trial to its record."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from syncline.errors import ServiceStartError, StoreError
from syncline.events import (
    Event,
    Observer,
    PhaseStarted,
    RunEnded,
    RunStarted,
    TrialFinished,
    TrialProgress,
    TrialStarted,
)
from syncline.experiment.drive import drive
from syncline.experiment.environment import describe_environment, differences
from syncline.experiment.eta import Eta
from syncline.experiment.fleet import Fleet
from syncline.experiment.tools import Tools, real_tools
from syncline.hang import hang_of
from syncline.mask import mask, mask_command_line
from syncline.outcome import Outcome, ServiceExit, Validity
from syncline.record import Environment, Resumption, RunRecord, Settings, Status
from syncline.search import Measured, Search, only
from syncline.store import Store
from syncline.trial import Case, Experiment, Trial
from syncline.whatif import not_imposed

_log = logging.getLogger("syncline")


def _silent(_event: Event) -> None:
    pass


def run_experiment(
    case: Case,
    experiment: Experiment,
    *,
    store: Store,
    observer: Observer = _silent,
    backend_urls: Mapping[str, str] | None = None,
    command_line: tuple[str, ...] = (),
    environment: Environment | None = None,
    settings: Settings | None = None,
    resume: RunRecord | None = None,
    tools: Tools | None = None,
) -> RunRecord:
    """Runs the trials of one experiment in order; see :func:`run_search`."""
    return run_search(
        case,
        only(experiment),
        purpose=experiment.purpose,
        store=store,
        observer=observer,
        backend_urls=backend_urls,
        command_line=command_line,
        environment=environment,
        settings=settings,
        resume=resume,
        tools=tools,
    )


def run_search(
    case: Case,
    search: Search[object],
    *,
    purpose: str,
    store: Store,
    observer: Observer = _silent,
    backend_urls: Mapping[str, str] | None = None,
    command_line: tuple[str, ...] = (),
    environment: Environment | None = None,
    settings: Settings | None = None,
    resume: RunRecord | None = None,
    tools: Tools | None = None,
) -> RunRecord:
    """Runs what a search asks for, in order, and keeps each trial in the store as soon as it ended.

    A variant that does not start makes its trials invalid and not the others'. Ctrl-C ends the
    run: what was finished is kept, all that was started is stopped, the record's status is
    ``interrupted``.

    Args:
        purpose: what the run is to show, in a sentence.
        observer: hears what happens; one that raises is not called again.
        backend_urls: the user's own servers instead of ours, by back end.
        command_line: what was typed; kept with its secrets masked.
        environment: what the run is said to have run on; this machine by default.
        settings: kept with the run, for resuming it.
        resume: the run to go on with instead of a new one. What it has of the search's trials is
            not measured again.

    Returns:
        the run as it is in the store. What the search returned is not kept: it can be told from
        the trials.

    Raises:
        StoreError: a trial could not be kept; the run ended there, earlier trials are whole.
        EnvironmentLackError: the machine lacks what the case needs.
        MeasurementError: the load engine failed.
    """
    tools = tools or real_tools()
    tell = _Telling(observer)
    environment = environment or describe_environment(placing=tools.placing)
    with tools.open_workspace() as workspace:
        head = RunRecord(
            id="",
            case=case,
            purpose=purpose,
            status="running",
            started=_now(),
            ended=None,
            command_line=mask_command_line(command_line),
            environment=environment,
            planned=(),
            settings=settings or Settings(),
        )
        run_id = _resume(store, resume, environment) if resume else store.create_run(head)
        status: Status = "failed"
        course = _Course(case, run_id, store, tools, tell)
        if resume:
            course.kept = {trial.identity: outcome for trial, outcome in resume.trials}
        try:
            with Fleet(case, workspace, tools, tell, backend_urls or {}) as fleet:
                drive(search, lambda experiment: course.run(experiment, fleet))
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
        finally:
            _finish(store, run_id, status)
            tell(RunEnded(status, course.done))
    return store.load_run(run_id)


def _resume(store: Store, run: RunRecord, environment: Environment) -> str:
    changes = differences(run.environment, environment)
    store.resume_run(run.id, Resumption(_now(), len(run.trials), environment, changes))
    return run.id


class _Course:
    """How far a run has come over all that its search asked for.

    Attributes:
        kept: what was measured before the run was taken up again, by the trial's identity.
        done: how many trials were finished.
    """

    def __init__(self, case: Case, run_id: str, store: Store, tools: Tools, tell: Observer):
        self._case, self._run_id, self._store = case, run_id, store
        self._tools, self._tell = tools, tell
        self._eta = Eta()
        self._total = self._repeat = 0
        self._servers: dict[str, str] = {}
        self._written = False
        self.kept: Mapping[str, Outcome] = {}
        self.done = 0

    def run(self, experiment: Experiment, fleet: Fleet) -> Measured:
        """Runs an experiment's trials and keeps each."""
        self._plan(experiment)
        measured = []
        for trial in experiment.trials:
            if (known := self.kept.get(trial.identity)) is not None:
                self.done += 1
                measured.append((trial, known))
                continue
            index, began = self.done + 1, self._tools.clock()
            if experiment.fresh and trial.repeat != self._repeat:
                fleet.renew()
            self._repeat = trial.repeat
            if experiment.alone:
                fleet.only(trial.variant)
            if self._written:
                fleet.prepare_anew()
            self._written = trial.load.writes
            started = TrialStarted(index, self._total, trial, self._eta.left_s)
            outcome = _run_trial(trial, fleet, self._tools, self._tell, started)
            self._note(fleet.servers)
            self._store.add_trial(self._run_id, trial, outcome)
            self.done = index
            self._eta.finished(self._tools.clock() - began)
            self._tell(TrialFinished(index, self._total, trial, outcome, self._eta.left_s))
            measured.append((trial, outcome))
        return tuple(measured)

    def _note(self, servers: Mapping[str, str]) -> None:
        if servers != self._servers:
            self._servers = dict(servers)
            self._store.note_servers(self._run_id, servers)

    def _plan(self, experiment: Experiment) -> None:
        first = self._total == 0
        self._store.plan_more(self._run_id, experiment.trials)
        self._eta.add(
            tuple(trial for trial in experiment.trials if trial.identity not in self.kept)
        )
        self._total += len(experiment.trials)
        self._tell(
            RunStarted(self._run_id, self._case, experiment, self._eta.left_s)
            if first
            else PhaseStarted(experiment, self._total, self._eta.left_s)
        )


def _run_trial(
    trial: Trial, fleet: Fleet, tools: Tools, tell: Observer, event: TrialStarted
) -> Outcome:
    started = _now()
    try:
        service = fleet.service(trial.variant)
    except ServiceStartError as error:
        return Outcome(started, None, Validity.of((mask(str(error)),)), None)
    tell(event)
    plan = fleet.plan(trial, service)
    tools.cool_down()
    started = _now()
    with fleet.watch(trial.variant) as watch, fleet.profiling(trial) as profiling:
        result = tools.load(
            plan, lambda progress: tell(TrialProgress(progress, watch.glance(progress)))
        )
    seen = watch.seen(result)
    profiled = profiling.profiled(result)
    hang = hang_of(result)
    status = service.exit_status()
    unmade = not_imposed(trial.variant, seen.observations)
    reasons = (*result.validity.reasons, *unmade, *profiled.reasons)
    if status is not None:
        reasons = (*reasons, f"the service died during the load, {_ending(status)}")
    unwell = status is not None or hang is not None or result.failed or result.timed_out
    log = mask(service.log_tail()) if unwell else ""
    if reason := fleet.unusable(trial.variant, result, hang):
        fleet.retire(trial.variant, reason)
    return Outcome(
        started,
        result,
        Validity.of(reasons),
        hang,
        series=seen.series,
        service=ServiceExit(status, log),
        observations=seen.observations,
        profiles=profiled.profiles,
    )


def _ending(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with status {status}"


def _finish(store: Store, run_id: str, status: Status) -> None:
    if status == "failed":
        # What failed is on its way up and says more than a store that fails as well.
        with contextlib.suppress(StoreError):
            store.finish_run(run_id, status)
    else:
        store.finish_run(run_id, status)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Telling:
    """An observer whose failure costs the display, never the measurement."""

    def __init__(self, observer: Observer):
        self._observer: Observer | None = observer

    def __call__(self, event: Event) -> None:
        if self._observer is None:
            return
        try:
            self._observer(event)
        except Exception:  # noqa: BLE001 - whatever it is, a display must not end a measurement
            self._observer = None
            _log.warning("The display failed and is off; the run goes on.", exc_info=True)
