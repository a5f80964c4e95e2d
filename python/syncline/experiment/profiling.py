"""Profiles in an experiment: taken in trials of their own phase, and in no others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from syncline.experiment.observing import Inside
from syncline.folded import Profile
from syncline.launch import Service
from syncline.outcome import LoadResult
from syncline.process import Workspace
from syncline.profile import Taking, Target, Wanted
from syncline.trial import Trial

NO_PROFILE = "no profile"
"""How the reason begins that a profiling trial is invalid for want of its profile."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """What came of profiling a trial.

    Attributes:
        reasons: why there is no profile, although one was wanted.
    """

    profiles: tuple[Profile, ...] = ()
    reasons: tuple[str, ...] = ()


class Profiling(Protocol):
    """Profiles one trial, within a ``with`` block around the load."""

    def profiled(self, result: LoadResult) -> Profiled:
        """What came of it, once the block has ended."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


StartProfiling = Callable[[Trial, object, Inside | None, Workspace], Profiling]


class Unprofiled:
    """For trials whose figures are reported."""

    def profiled(self, result: LoadResult) -> Profiled:  # noqa: ARG002
        """See :class:`Profiling`."""
        return Profiled()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


def unprofiled(
    _trial: Trial, _service: object, _probe: Inside | None, _workspace: Workspace
) -> Profiling:
    """For experiments without profilers."""
    return Unprofiled()


def profiling(
    trial: Trial, service: object, probe: Inside | None, workspace: Workspace
) -> Profiling:
    """What profiles a trial, if its phase asks for it."""
    if trial.phase != "profile":
        return Unprofiled()
    target = Target(
        pids=lambda: _pids(service, probe),
        ask=probe.ask if probe is not None else None,
        workspace=workspace,
    )
    return _Profiling(
        Taking(
            Wanted.of(trial.about),
            target,
            clock=time.monotonic,
            warmup_s=trial.load.warmup_s,
            duration_s=trial.load.duration_s,
        )
    )


class _Profiling:
    """See :class:`Profiling`."""

    def __init__(self, taking: Taking) -> None:
        self._taking = taking

    def profiled(self, result: LoadResult) -> Profiled:
        taken = self._taking.taken()
        if taken.reason:
            return Profiled(reasons=(f"{NO_PROFILE}: {taken.reason}",))
        requests = served(result, taken.from_s, taken.to_s)
        return Profiled(tuple(replace(one, requests=requests) for one in taken.profiles))

    def __enter__(self) -> Self:
        self._taking.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._taking.__exit__(kind, error, trace)


def served(result: LoadResult, from_s: float, to_s: float) -> int:
    """How many requests were answered well between two instants of a load."""
    found = 0.0
    for interval in result.intervals:
        length = interval.end_s - interval.start_s
        overlap = min(interval.end_s, to_s) - max(interval.start_s, from_s)
        if length > 0 and overlap > 0:
            found += interval.ok * overlap / length
    return round(found)


def _pids(service: object, probe: Inside | None) -> tuple[int, ...]:
    """The processes that serve, as the probes tell; or all that are Python."""
    living = [one for one in probe.processes() if one.alive] if probe is not None else []
    chosen = [one for one in living if one.served] or living
    if chosen:
        return tuple(one.pid for one in chosen)
    return service.pids() if isinstance(service, Service) else ()
