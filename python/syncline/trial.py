"""What is run: cases, their variants, the loads they get, and trials made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from syncline.codec import LATER, identity
from syncline.errors import PlanError, UsageError
from syncline.plan import ClosedLoop, Plan, Request, Schedule, Timeouts
from syncline.provision import Provision
from syncline.steps import Step

Server = Literal["uvicorn", "granian", "hypercorn", "gunicorn", "waitress"]
Interface = Literal["asgi", "wsgi"]
Loop = Literal["auto", "asyncio", "uvloop"]
Phase = Literal["sweep", "verification", "capacity", "tuning", "profile"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One named configuration of a case.

    Attributes:
        name: what the command line and reports call it.
        title: one line for a person: the concurrency model in words.
        app: the application as ``module:attribute``, run by ``server``; or None.
        command: an argv that starts the service instead; ``{host}``, ``{port}`` and
            ``{python}`` in it are filled in.
        server, workers, loop: how ``app`` is served.
        server_args: more arguments for the server.
        env: environment variables of the service.
        settings: what the case's own code reads, as ``SYNCLINE_<NAME>`` variables.
        backends: by back end, the server settings this variant needs
            (``{"postgres": {"max_connections": "100"}}``).
        interface: what ``app`` is.
        url: where the service listens, if the command has a place of its own for it; without
            a command, the service that runs there is loaded as it is, and nothing is started.
        allowed: the hosts of ``url`` that the user said may be loaded.
        python: the interpreter that serves it, with its libraries; empty is Syncline's own.
        working_dir: where it is started; empty is Syncline's own.
        ready_timeout_s: how long it may take to its first answer.
        what_ifs: what is imposed on it; :func:`syncline.whatif.imposed` makes such a variant.
            Part of its identity only where there is any.
    """

    name: str
    title: str = ""
    app: str | None = None
    command: tuple[str, ...] = ()
    server: Server = "uvicorn"
    workers: int = 1
    loop: Loop = "auto"
    server_args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    backends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    interface: Interface = field(default="asgi", metadata=LATER)
    url: str = field(default="", metadata=LATER)
    allowed: tuple[str, ...] = field(default=(), metadata=LATER)
    python: str = field(default="", metadata=LATER)
    working_dir: str = field(default="", metadata=LATER)
    ready_timeout_s: float = field(default=30.0, metadata=LATER)
    what_ifs: Mapping[str, str] = field(default_factory=dict, metadata=LATER)

    def __post_init__(self) -> None:
        if (self.app is None) == (not self.command and not self.url):
            raise PlanError(f"variant {self.name!r} needs either an app or a command.")

    @property
    def settings_env(self) -> dict[str, str]:
        """The settings as the environment variables that the case's code reads."""
        return {
            f"SYNCLINE_{name.upper().replace('-', '_')}": value
            for name, value in self.settings.items()
        }


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent to a variant, at one level.

    Attributes:
        name: of the kind of load (``read``, ``insert``); levels of one kind share it.
        requests, schedule, connections, threads, duration_s, warmup_s, timeouts, keep_alive:
            as in :class:`syncline.plan.Plan`.
        writes: whether it leaves the case's data changed, so that they are prepared anew before
            the next trial. Only a case that has ``prepare`` can say so.
    """

    connections: int
    duration_s: float
    requests: tuple[Request, ...] = (Request(),)
    schedule: Schedule = field(default_factory=ClosedLoop)
    name: str = "read"
    threads: int = 1
    warmup_s: float = 0.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    keep_alive: bool = True
    writes: bool = field(default=False, metadata=LATER)

    def plan(self, target: str, seed: int) -> Plan:
        """The engine's plan for this load on a target."""
        return Plan(
            target=target,
            requests=self.requests,
            schedule=self.schedule,
            connections=self.connections,
            threads=min(self.threads, self.connections),
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            timeouts=self.timeouts,
            keep_alive=self.keep_alive,
            seed=seed,
        )


@dataclass(frozen=True, slots=True)
class Published:
    """One figure of the original author's, from another machine: for its shape only.

    Attributes:
        variant, load, connections: where it belongs in our table.
        throughput_rps, mean_ms: what was published; None where nothing was.
        note: what the author said of it, such as ``hang``.
    """

    variant: str
    connections: int
    load: str = "read"
    throughput_rps: float | None = None
    mean_ms: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A service under test with its requests, back ends and default loads.

    Attributes:
        name: what the command line calls it.
        title: one line for a person.
        question: what the original test asked.
        variants: the configurations that can be run.
        default_variants: the names of those that run by default, in order.
        backends: the back ends it needs: ``postgres``, ``mariadb``, ``valkey``.
        prepare: a module (``python -m``) that creates a database's tables and fills them,
            whatever they held before. It is run once per database, and again after each load
            that writes.
        ready_path: a path that answers as soon as the service can.
        loads: the default loads, lightest first.
        quick_loads: those of ``--quick``.
        published_loads: the original's own, of ``--as-published``.
        published: the original's figures.
        source: where they were published, in words.
        faulty: the names of variants that are known to fail under these loads; that they do
            is what the case shows, so a run in which they do is a good run.
        settings: what a user may set for all variants, by name: its meaning and default, a line.
            Each reaches the services and ``prepare`` as ``SYNCLINE_<NAME>``.
        databases: the back ends that can be its database, the default one first.
        provisions: by back end, how its address reaches the service and how it is filled; a
            back end without one is found by the variable of its kind (``DATABASE_URL``).
        setup: requests that are sent to each service once, after its start; the loads'
            requests may use what they capture.
        rehearsal: requests that are sent once after ``setup``; their answers are checked.
        teardown: requests that are sent to each service once, before its end.
        quick_variants: those of ``--quick``, where the default ones are more than a minute's worth.
    """

    name: str
    title: str
    question: str
    variants: tuple[Variant, ...]
    default_variants: tuple[str, ...]
    loads: tuple[Load, ...]
    quick_loads: tuple[Load, ...]
    backends: tuple[str, ...] = ()
    prepare: str | None = None
    ready_path: str = "/"
    published_loads: tuple[Load, ...] = ()
    published: tuple[Published, ...] = ()
    source: str = ""
    faulty: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    databases: tuple[str, ...] = ()
    provisions: Mapping[str, Provision] = field(default_factory=dict)
    setup: tuple[Step, ...] = ()
    rehearsal: tuple[Step, ...] = ()
    teardown: tuple[Step, ...] = ()
    quick_variants: tuple[str, ...] = ()

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            UsageError: there is none; the message lists those there are.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        names = ", ".join(variant.name for variant in self.variants)
        raise UsageError(f"{self.name} has no variant {name!r}; it has: {names}.")


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant under one load level, once: the unit that is run, stored and resumed.

    Attributes:
        repeat: from 0, of trials that ask the same.
        phase: what part of a run it belongs to. Tables and findings are made of the ``sweep``;
            trials of another phase answer a question of their own.
        about: that question, for its phase to know its trials by; empty in a sweep.
    """

    case: str
    variant: Variant
    load: Load
    repeat: int = 0
    seed: int = 1
    phase: Phase = "sweep"
    about: str = ""

    @property
    def identity(self) -> str:
        """The hash of what is asked; two trials that ask the same have the same."""
        return identity(self)


@dataclass(frozen=True, slots=True)
class Experiment:
    """An ordered list of trials with a purpose.

    Attributes:
        case: the name of the case.
        purpose: what the trials are to show, in a sentence.
        trials: in the order in which they run.
        alone: whether all other services are ended before each trial, so that what they hold,
            idle as they are, is free for it.
        fresh: whether services are started afresh when a trial's repeat differs from the one
            before, so that repeats hold what is drawn once per process.
    """

    case: str
    purpose: str
    trials: tuple[Trial, ...]
    alone: bool = False
    fresh: bool = False

    @property
    def phase(self) -> Phase:
        """That of its trials."""
        return self.trials[0].phase if self.trials else "sweep"


def sweep(
    case: Case, variants: tuple[str, ...], loads: tuple[Load, ...], seed: int = 1
) -> Experiment:
    """Every named variant under every load once, lightest load first, variants in turn.

    Variants alternate within a level, so that a drift of the machine meets all of them; see
    :func:`syncline.design.repeated` for more than one round.
    """
    chosen = [case.variant(name) for name in variants]
    trials = tuple(
        Trial(case.name, variant, load, seed=seed) for load in loads for variant in chosen
    )
    names = ", ".join(variants)
    return Experiment(case.name, f"compare {names} over {len(loads)} loads", trials)


def with_duration(load: Load, duration_s: float) -> Load:
    """The same load for another time; its warm-up shrinks with it."""
    share = load.warmup_s / load.duration_s
    return replace(load, duration_s=duration_s, warmup_s=round(share * duration_s, 3))
