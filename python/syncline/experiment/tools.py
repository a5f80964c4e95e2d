"""The effects that an experiment is made of, as one value that a test can replace."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from syncline import engine
from syncline.backends import Backend, provide
from syncline.errors import ServiceStartError, UsageError
from syncline.experiment.cooling import cool_down
from syncline.experiment.environment import usable
from syncline.experiment.observatory import open_observatory
from syncline.experiment.observing import OpenObservatory, unobserved
from syncline.experiment.placing import Placing, bind, place
from syncline.experiment.profiling import StartProfiling, profiling, unprofiled
from syncline.launch import find_service, start_service
from syncline.outcome import LoadResult, Progress
from syncline.plan import Plan
from syncline.process import ChildSpec, Workspace, spawn
from syncline.trial import Variant

PREPARE_TIMEOUT_S = 120.0
_REFUSED = 2  # the status of a program that was asked for what cannot be

Send = Callable[[Plan, Callable[[Progress], None]], LoadResult]


class RunningService(Protocol):
    """What an experiment asks of a service; see :class:`syncline.launch.Service`."""

    @property
    def url(self) -> str: ...
    def exit_status(self) -> int | None: ...
    def log_tail(self, lines: int = 20) -> str: ...
    def stop(self, grace_s: float | None = None) -> int | None: ...


class RunningBackend(Protocol):
    """What an experiment asks of a back end; see :class:`syncline.backends.Backend`."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    def env(self) -> dict[str, str]: ...
    def close(self) -> None: ...


class StartService(Protocol):
    def __call__(
        self,
        variant: Variant,
        *,
        workspace: Workspace,
        env: Mapping[str, str],
        ready_path: str,
    ) -> RunningService: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything by which an experiment touches the world.

    Attributes:
        load: runs a plan to its end; raises KeyboardInterrupt on Ctrl-C.
        open_workspace: the directory of the run, gone at its end.
        provide: starts a back end, or takes the one at a URL.
        start_service: starts a variant; returns once it answers.
        prepare: runs the case's module that fills a database.
        answers: whether a GET of a URL is answered within so many seconds.
        clock: monotonic seconds.
        observe: opens what observes the run; nothing by default.
        profile: profiles the trials that are for it; none by default.
        cool_down: returns once what the trial before left to do is done, with the seconds it took.
        placing: which cores what is bound to, in a sentence.
    """

    load: Send
    open_workspace: Callable[[], AbstractContextManager[Workspace]]
    provide: Callable[[str, Mapping[str, str], Workspace, str | None], RunningBackend]
    start_service: StartService
    prepare: Callable[[str, Mapping[str, str], Workspace], None]
    answers: Callable[[str, float], bool]
    clock: Callable[[], float]
    observe: OpenObservatory = unobserved
    profile: StartProfiling = unprofiled
    cool_down: Callable[[], float] = lambda: 0.0
    placing: str = ""


def real_tools(
    *, probe: bool = True, database: bool = True, bound: bool = True, send: Send = engine.load
) -> Tools:
    """This machine.

    Args:
        probe: whether services are started with the probe inside.
        database: whether a core is to be kept for a database, where there are enough.
        bound: whether generator, service and database are bound to cores of their own, where
            there are enough; see :func:`syncline.experiment.placing.place`.
        send: what runs loads: the engine here, or agents elsewhere.
    """
    placing = place(usable(), database=database, wanted=bound)
    return Tools(
        load=_loader(placing, send),
        open_workspace=Workspace.open,
        provide=_provider(placing),
        start_service=_starter(placing),
        prepare=prepare,
        answers=answers,
        clock=time.monotonic,
        observe=open_observatory(probe=probe),
        profile=profiling,
        cool_down=cool_down,
        placing=placing.words,
    )


def _loader(placing: Placing, send: Send) -> Send:
    def load(plan: Plan, on_progress: Callable[[Progress], None]) -> LoadResult:
        return send(replace(plan, pin_cpus=placing.generator), on_progress)

    return load if placing.generator else send


def _provider(
    placing: Placing,
) -> Callable[[str, Mapping[str, str], Workspace, str | None], Backend]:
    def provided(
        name: str, settings: Mapping[str, str], workspace: Workspace, url: str | None
    ) -> Backend:
        backend = provide(name, settings, workspace, url)
        if placing.database and backend.child is not None:
            bind(backend.pids(), placing.database)
        return backend

    return provided


def _starter(placing: Placing) -> StartService:
    def start(
        variant: Variant, *, workspace: Workspace, env: Mapping[str, str], ready_path: str
    ) -> RunningService:
        """Starts the variant, or finds the service that it stands for."""
        if variant.app is None and not variant.command:
            return find_service(variant)
        return start_service(
            variant,
            workspace=workspace,
            env=env,
            ready_path=ready_path,
            cpus=placing.service,
        )

    return start


def prepare(module: str, env: Mapping[str, str], workspace: Workspace) -> None:
    """Runs ``python -m module`` with the back ends' addresses in its environment.

    Raises:
        UsageError: it was asked for what cannot be: it ended with status 2, and said why.
        ServiceStartError: it failed or took over two minutes; with the end of its log.
    """
    child = spawn(
        ChildSpec(
            argv=(sys.executable, "-m", module),
            workspace=workspace,
            name="prepare",
            env={**os.environ, **env},
        )
    )
    try:
        status = child.wait(PREPARE_TIMEOUT_S)
        if status == 0:
            return
        if status == _REFUSED and (said := child.log_tail(1)):
            raise UsageError(said)
        happened = (
            f"took over {PREPARE_TIMEOUT_S:g} s" if status is None else f"ended with {status}"
        )
        raise ServiceStartError(
            f"The database could not be filled: {module} {happened}. Its last words:\n"
            f"{child.log_tail(8)}"
        )
    finally:
        child.stop(0)


def answers(url: str, timeout_s: float) -> bool:
    """Whether a GET is answered, with any status, within the time.

    The bound is on each step of the exchange; a body that trickles is not waited for.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Nothing is told to it and nothing believed of it: whose it is does not matter here.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port or 443, timeout=timeout_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=timeout_s
        )
    try:
        path = parts.path or "/"
        connection.request("GET", f"{path}?{parts.query}" if parts.query else path)
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
