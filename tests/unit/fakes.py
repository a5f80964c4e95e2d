"""The world of an experiment without a machine: services, back ends and loads that obey a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from syncline.errors import ServiceStartError
from syncline.experiment import Tools
from syncline.outcome import LoadResult, Progress
from syncline.plan import Plan
from syncline.process import Workspace
from syncline.trial import Variant
from tests.unit.factories import load_result, progress

Script = Callable[["World", Plan], LoadResult]


@dataclass
class FakeService:
    """A service that lives until a test ends it."""

    name: str
    url: str
    world: World
    status: int | None = None

    def exit_status(self) -> int | None:
        return self.status

    def log_tail(self, lines: int = 20) -> str:
        return f"the log of {self.name}: postgresql://me:hunter2@db/x"

    def stop(self, grace_s: float | None = None) -> int | None:
        self.world.journal.append(f"stop {self.name}")
        self.world.running.remove(self)
        return self.status


@dataclass
class FakeBackend:
    """A back end that knows its settings."""

    name: str
    settings: Mapping[str, str]
    url: str | None
    world: World
    version: str = "18.6"

    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url or f"{self.name}://ours"}

    def close(self) -> None:
        self.world.journal.append(f"close {self.name}")


@dataclass
class World:
    """What was done, in order, and how things go.

    Attributes:
        loads: what each load comes to; a good result by default.
        refuses: variants that do not start.
        deaf: whether services answer nothing after a load.
    """

    loads: Script = field(default=lambda *_: load_result())
    refuses: frozenset[str] = frozenset()
    deaf: bool = False
    journal: list[str] = field(default_factory=list)
    running: list[FakeService] = field(default_factory=list)
    envs: list[Mapping[str, str]] = field(default_factory=list)
    prepare_envs: list[Mapping[str, str]] = field(default_factory=list)
    now_s: float = 0.0

    def tools(self) -> Tools:
        return Tools(
            load=self._load,
            open_workspace=self._workspace,
            provide=self._provide,
            start_service=self._start_service,
            prepare=self._prepare,
            answers=lambda *_: not self.deaf,
            clock=lambda: self.now_s,
        )

    def service_at(self, url: str) -> FakeService:
        return next(service for service in self.running if service.url == url)

    def _load(self, plan: Plan, on_progress: Callable[[Progress], None]) -> LoadResult:
        self.journal.append(f"load {self.service_at(plan.target).name} {plan.connections}")
        on_progress(progress())
        self.now_s += plan.duration_s or 0
        return self.loads(self, plan)

    @contextmanager
    def _workspace(self) -> Iterator[Workspace]:
        self.journal.append("open")
        try:
            yield cast(Workspace, None)
        finally:
            self.journal.append("remove")

    def _provide(
        self, name: str, settings: Mapping[str, str], workspace: Workspace, url: str | None
    ) -> FakeBackend:
        self.journal.append(f"provide {name} {dict(settings)}")
        return FakeBackend(name, settings, url, self)

    def _prepare(self, module: str, env: Mapping[str, str], workspace: Workspace) -> None:
        self.journal.append(f"prepare {module}")
        self.prepare_envs.append(env)

    def _start_service(
        self, variant: Variant, *, workspace: Workspace, env: Mapping[str, str], ready_path: str
    ) -> FakeService:
        self.journal.append(f"start {variant.name}")
        self.envs.append(env)
        if variant.name in self.refuses:
            raise ServiceStartError(f"{variant.name} ended: postgresql://me:hunter2@db/x refused")
        service = FakeService(variant.name, f"http://fake:{len(self.journal)}", self)
        self.running.append(service)
        return service
