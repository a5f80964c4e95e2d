"""A known fault in a small service beside its healthy twin, and the load that brings it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncline.finding import Code
from syncline.plan import ClosedLoop, OpenLoop, Phase, Request, Schedule, Timeouts
from syncline.trial import Case, Load, Server, Variant

_IN = "tests.faults.services."
_PREPARE = f"{_IN}tables"
_THREADS = ("--worker-class", "gthread", "--keep-alive", "30", "--threads")

Side = Literal["fault", "twin"]


@dataclass(frozen=True, slots=True)
class Service:
    """One side of a pair: what is asked of which program, set how.

    Attributes:
        path: what is requested; ``env`` what the program reads.
        rate_rps: an open loop's rate; a closed loop if None.
        max_connections: what PostgreSQL accepts.
    """

    path: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    connections: int | None = None
    workers: int | None = None
    server_args: tuple[str, ...] | None = None
    rate_rps: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A known fault in a small service, and the healthy twin.

    Attributes:
        app: a module of ``services``; run by a server, or by itself where ``server`` is None.
        accepted: other codes that say the same truth of this service.
        stops: whether answers are meant to stop: the load's time-outs are then short.
    """

    name: str
    code: Code
    app: str
    fault: Service
    twin: Service
    connections: int
    server: Server | None = "uvicorn"
    workers: int = 1
    server_args: tuple[str, ...] = ()
    backends: tuple[str, ...] = ("postgres",)
    postgres: Mapping[str, str] = field(default_factory=dict)
    duration_s: float = 4.0
    keep_alive: bool = True
    accepted: tuple[Code, ...] = ()
    stops: bool = False

    def case(self, side: Side) -> Case:
        """One side as a case of one variant and one load."""
        service = self.fault if side == "fault" else self.twin
        env = dict(service.env)
        workers = service.workers or self.workers
        args = self.server_args if service.server_args is None else service.server_args
        backends = {"postgres": self.postgres} if self.postgres else {}
        if self.server is None:
            command = ("{python}", "-m", _IN + self.app, "{port}")
            variant = Variant(side, command=command, env=env, backends=backends)
        else:
            variant = Variant(
                side,
                app=f"{_IN}{self.app}:app",
                server=self.server,
                workers=workers,
                server_args=args,
                env=env,
                backends=backends,
            )
        load = self._load(service)
        return Case(
            name=self.name,
            title=f"{self.code}: {side}",
            question="What is wrong with it?",
            variants=(variant,),
            default_variants=(side,),
            loads=(load,),
            quick_loads=(load,),
            backends=self.backends,
            prepare=_PREPARE if "postgres" in self.backends else None,
        )

    def _load(self, service: Service) -> Load:
        schedule: Schedule = ClosedLoop()
        if service.rate_rps is not None:
            rate = service.rate_rps
            schedule = OpenLoop((Phase(self.duration_s, rate, rate),))
        return Load(
            service.connections or self.connections,
            self.duration_s,
            (Request(service.path),),
            schedule=schedule,
            timeouts=Timeouts(2, 3, 4) if self.stops else Timeouts(4, 20, 20),
            keep_alive=self.keep_alive,
        )


def pool(size: int, overflow: int = 0, **more: object) -> dict[str, str]:
    found = {"POOL_SIZE": str(size), "MAX_OVERFLOW": str(overflow)}
    return found | {name: str(value) for name, value in more.items()}


def threads(count: int, *more: str) -> tuple[str, ...]:
    return (*_THREADS, str(count), *more)
