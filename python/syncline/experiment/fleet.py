"""The services and back ends of a run: started when first needed, kept, and all ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from syncline import whatif
from syncline.codec import identity
from syncline.errors import ServiceStartError
from syncline.events import (
    BackendStarting,
    DatabasePreparing,
    Observer,
    ServiceStarting,
)
from syncline.experiment.observing import Watch
from syncline.experiment.profiling import Profiling
from syncline.experiment.readying import backend_env, fill, plan_for, take_steps
from syncline.experiment.tools import RunningBackend, RunningService, Tools
from syncline.mask import mask
from syncline.outcome import LoadResult, Silence
from syncline.plan import Plan
from syncline.process import Workspace
from syncline.trial import Case, Trial, Variant

_log = logging.getLogger("syncline")

# A service that is retired hangs or is dead; a polite end would only be waited for.
_RETIRE_GRACE_S = 0.2
# How long a service may take, after a load, for what it still has in hand.
_DRAIN_S = 2.0


class Fleet:
    """What runs beside the load. Ends with its ``with`` block.

    A variant's service lives over all levels, so that a level meets it warm, as in production;
    the services of several variants may live at once, since idle ones cost nothing. Variants
    that ask the same of a back end share it.

    Attributes:
        servers: versions of the back ends that were needed so far, by name.
    """

    def __init__(
        self,
        case: Case,
        workspace: Workspace,
        tools: Tools,
        observer: Observer,
        backend_urls: Mapping[str, str],
    ):
        self._case = case
        self._workspace = workspace
        self._tools = tools
        self._observer = observer
        self._backend_urls = backend_urls
        self._backends: dict[str, RunningBackend] = {}
        self._prepared: set[tuple[str, ...]] = set()
        self._services: dict[str, RunningService] = {}
        self._retired: dict[str, str] = {}
        self._broken: dict[str, ServiceStartError] = {}
        self._uses: dict[str, tuple[str, ...]] = {}
        self.servers: dict[str, str] = {}
        self._captures: dict[str, dict[str, str]] = {}
        self._observatory = tools.observe(workspace)
        self._stack = ExitStack()

    def service(self, variant: Variant) -> RunningService:
        """The variant's service; started, with what it needs, unless it runs.

        Raises:
            ServiceStartError: it does not start, now or at an earlier try.
        """
        key = identity(variant)
        if key in self._broken:
            raise self._broken[key]
        if key not in self._services:
            try:
                self._services[key] = self._start(variant, key)
            except ServiceStartError as error:
                self._broken[key] = error
                raise
        return self._services[key]

    def unusable(self, variant: Variant, result: LoadResult, hang: Silence | None) -> str:
        """Why the service must not meet another load after this one; empty if it may.

        An answer alone does not acquit it: with all its pool's connections lost in a deadlock
        it may still answer where no connection is needed.
        """
        service = self._services[identity(variant)]
        if service.exit_status() is not None:
            return "it died"
        if hang is not None:
            return "it hung"
        if result.timed_out:
            return "requests timed out and may still be under way in it"
        if not self._tools.answers(service.url + self._case.ready_path, _DRAIN_S):
            return f"it gave no answer for {_DRAIN_S:g} s after the load"
        return ""

    def plan(self, trial: Trial, service: RunningService) -> Plan:
        """The plan of a trial's load on its service, with what setup requests captured."""
        values = self._captures.get(identity(trial.variant), {})
        return plan_for(trial.load.plan(service.url, trial.seed), service, values)

    def watch(self, variant: Variant) -> Watch:
        """What watches a load on the variant's service."""
        key = identity(variant)
        return self._observatory.watch(key, self._services[key], self._uses.get(key, ()))

    def profiling(self, trial: Trial) -> Profiling:
        """What profiles a trial, beside what watches it."""
        key = identity(trial.variant)
        probe = self._observatory.inside(key)
        return self._tools.profile(trial, self._services[key], probe, self._workspace)

    def renew(self) -> None:
        """Ends all services; one that is asked for again is started afresh."""
        for key in list(self._services):
            self._services.pop(key).stop()
            self._observatory.forget_service(key)

    def prepare_anew(self) -> None:
        """Lets the next service meet the data as they were prepared; see ``Case.prepare``.

        All services end: what they hold of tables that are dropped, such as plans of statements
        and open transactions, would fail or be waited for.
        """
        if self._case.prepare is not None:
            self.renew()
            self._prepared.clear()

    def only(self, variant: Variant) -> None:
        """Ends all services but this variant's; one that is asked for again is started afresh."""
        key = identity(variant)
        for other in [other for other in self._services if other != key]:
            self._services.pop(other).stop()
            self._observatory.forget_service(other)

    def retire(self, variant: Variant, reason: str) -> None:
        """Ends a service that cannot be used again; the next trial starts a fresh one."""
        key = identity(variant)
        self._services.pop(key).stop(_RETIRE_GRACE_S)
        self._observatory.forget_service(key)
        self._retired[key] = reason

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Back ends end after the services that use them.
        with self._stack, ExitStack() as services:
            self._stack.callback(self._observatory.close)
            for service_key, service in self._services.items():
                services.callback(service.stop)
                services.callback(self._tear_down, service_key, service)

    def _start(self, variant: Variant, key: str) -> RunningService:
        env = {**self._backend_env(variant, key), **whatif.environment(variant)}
        inside = self._observatory.service_env(key, {**env, **variant.env})
        env.update(inside)
        # A variant's own environment wins over ours; the probe's has it already taken in.
        if overlap := {name: inside[name] for name in inside if name in variant.env}:
            variant = replace(variant, env={**variant.env, **overlap})
        reason = self._retired.get(key, "")
        self._observer(ServiceStarting(variant, again=key in self._retired, reason=reason))
        service = self._tools.start_service(
            variant, workspace=self._workspace, env=env, ready_path=self._case.ready_path
        )
        try:
            self._captures[key] = take_steps(service, self._case.setup, {})
            take_steps(service, self._case.rehearsal, self._captures[key])
        except BaseException:
            service.stop()
            raise
        return service

    def _tear_down(self, key: str, service: RunningService) -> None:
        if not self._case.teardown or service.exit_status() is not None:
            return
        try:
            take_steps(service, self._case.teardown, self._captures.get(key, {}))
        except ServiceStartError as error:  # what was measured before stands all the same
            _log.warning("Teardown: %s", error)

    def _backend_env(self, variant: Variant, service: str) -> dict[str, str]:
        env: dict[str, str] = {}
        keys = []
        for name in self._case.backends:
            settings = whatif.backend_settings(variant, name)
            key = identity([name, settings])
            if key not in self._backends:
                self._backends[key] = self._provide(name, settings)
                # Before any service can take the last connection that there is.
                self._observatory.see_backend(key, self._backends[key])
            provision = self._case.provisions.get(name)
            env.update(backend_env(provision, self._backends[key].env()))
            keys.append(key)
        self._uses[service] = database = tuple(keys)
        if self._case.prepare is not None and database not in self._prepared:
            self._observer(DatabasePreparing(self._case))
            self._tools.prepare(
                self._case.prepare, {**env, **variant.settings_env}, self._workspace
            )
            self._prepared.add(database)
        if self._case.provisions and database not in self._prepared:
            self._observer(DatabasePreparing(self._case))
            for name, key in zip(self._case.backends, keys, strict=True):
                if provision := self._case.provisions.get(name):
                    address = self._backends[key].env()
                    fill(name, provision, variant, address, env, self._workspace)
            self._prepared.add(database)
        return env

    def _provide(self, name: str, settings: Mapping[str, str]) -> RunningBackend:
        url = self._backend_urls.get(name)
        self._observer(BackendStarting(name, mask(url) if url is not None else None))
        backend = self._tools.provide(name, settings, self._workspace, url)
        self._stack.callback(backend.close)
        self.servers[name] = backend.version
        return backend
