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
    RunEnded,
    RunStarted,
    TrialFinished,
    TrialProgress,
    TrialStarted,
)
from syncline.experiment.environment import describe_environment
from syncline.experiment.eta import Eta
from syncline.experiment.fleet import Fleet
from syncline.experiment.tools import Tools, real_tools
from syncline.hang import hang_of
from syncline.mask import mask, mask_command_line
from syncline.outcome import Outcome, ServiceExit, Validity
from syncline.record import Environment, RunRecord, Status
from syncline.store import Store
from syncline.trial import Case, Experiment, Trial

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
    tools: Tools | None = None,
) -> RunRecord:
    """Runs the trials in order and keeps each in the store as soon as it ended.

    A variant that does not start makes its trials invalid and not the others'. Ctrl-C ends the
    run: what was finished is kept, all that was started is stopped, the record's status is
    ``interrupted``.

    Args:
        observer: hears what happens; one that raises is not called again.
        backend_urls: the user's own servers instead of ours, by back end.
        command_line: what was typed; kept with its secrets masked.
        environment: what the run is said to have run on; this machine by default.

    Raises:
        StoreError: a trial could not be kept; the run ended there, earlier trials are whole.
        EnvironmentLackError: the machine lacks what the case needs.
        MeasurementError: the load engine failed.
    """
    tools = tools or real_tools()
    tell = _Telling(observer)
    with tools.open_workspace() as workspace:
        head = RunRecord(
            id="",
            case=case,
            purpose=experiment.purpose,
            status="running",
            started=_now(),
            ended=None,
            command_line=mask_command_line(command_line),
            environment=environment or describe_environment(),
            planned=experiment.trials,
        )
        run_id = store.create_run(head)
        eta = Eta(experiment.trials)
        status: Status = "failed"
        done = 0
        try:
            tell(RunStarted(run_id, case, experiment, eta.left_s))
            with Fleet(case, workspace, tools, tell, backend_urls or {}) as fleet:
                for index, trial in enumerate(experiment.trials, 1):
                    began = tools.clock()
                    started = TrialStarted(index, len(experiment.trials), trial, eta.left_s)
                    outcome = _run_trial(trial, fleet, tools, tell, started)
                    store.add_trial(run_id, trial, outcome)
                    done = index
                    eta.finished(tools.clock() - began)
                    tell(TrialFinished(index, started.total, trial, outcome, eta.left_s))
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
        finally:
            _finish(store, run_id, status)
            tell(RunEnded(status, done))
    return store.load_run(run_id)


def _run_trial(
    trial: Trial, fleet: Fleet, tools: Tools, tell: Observer, event: TrialStarted
) -> Outcome:
    started = _now()
    try:
        service = fleet.service(trial.variant)
    except ServiceStartError as error:
        return Outcome(started, None, Validity.of((mask(str(error)),)), None)
    tell(event)
    plan = trial.load.plan(service.url, trial.seed)
    started = _now()
    with fleet.watch(trial.variant) as watch:
        result = tools.load(
            plan, lambda progress: tell(TrialProgress(progress, watch.glance(progress)))
        )
    seen = watch.seen(result)
    hang = hang_of(result)
    status = service.exit_status()
    reasons = result.validity.reasons
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
