"""What a test asks for: a service, the requests, a load, with defaults for most of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncline.cli.own import OwnAsked, resolve
from syncline.errors import UsageError
from syncline.notation import header
from syncline.plan import ClosedLoop, OpenLoop, Phase, Request
from syncline.provision import Provision
from syncline.trial import Case, Load

if TYPE_CHECKING:
    from syncline.backends import Backend
    from syncline.openapi import Offer

QUICK_S = 2.5
THOROUGH_S = 10.0
CONNECTIONS = 8
_WARMUP_SHARE = 0.2
_WARMUP_S = 1.0
_NAMES = ("connections", "duration", "quick", "rate", "probe")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a run takes where the test does not say it; the marker ``syncline`` sets some.

    Attributes:
        connections: at once.
        duration: of the load in seconds, warm-up included; None means what ``quick`` says.
        quick: 2.5 s, else 10 s.
        rate: requests per second of an open loop; None is a closed loop.
        probe: whether the service is started with the probe inside.
    """

    connections: int = CONNECTIONS
    duration: float | None = None
    quick: bool = True
    rate: float | None = None
    probe: bool = True

    def over(self, given: Mapping[str, object], where: str) -> Defaults:
        """The same with what is given over it.

        Raises:
            UsageError: a name is unknown, or a value is none for it; the message begins with
                ``where``.
        """
        for name, value in given.items():
            _check(name, value, where)
        return replace(self, **given)  # type: ignore[arg-type]  # checked, one by one

    @property
    def duration_s(self) -> float:
        """Of the load, warm-up included."""
        if self.duration is not None:
            return self.duration
        return QUICK_S if self.quick else THOROUGH_S

    def load(self, like: Load) -> Load:
        """That load with these figures."""
        duration = self.duration_s
        rate = self.rate
        return replace(
            like,
            connections=self.connections,
            threads=1,
            duration_s=duration,
            warmup_s=min(_WARMUP_S, duration * _WARMUP_SHARE),
            schedule=OpenLoop((Phase(duration, rate, rate),)) if rate else ClosedLoop(),
        )


def _check(name: str, value: object, where: str) -> None:
    if name not in _NAMES:
        raise UsageError(f"{where} takes no {name!r}; it takes: {', '.join(_NAMES)}.")
    if name in ("quick", "probe"):
        fits, allowed = isinstance(value, bool), "True or False"
    elif name == "connections":
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        allowed = "a whole number from 1 on"
    else:
        fits = value is None or (
            isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        )
        allowed = "a number above 0"
    if not fits:
        raise UsageError(f"{where}: {name} is {value!r}; it must be {allowed}.")


@dataclass(frozen=True, slots=True)
class Target:
    """The service that a test loads.

    Attributes:
        word: ``module:attribute``, ``file.py:attribute``, a shipped case, or None.
        paths: what is requested; without any, what the service itself offers, else ``/``.
        method, headers: of the requests.
        command, url: a command that starts the service, where it listens or runs already.
        python: its interpreter or virtual environment.
        working_dir: where it is started.
        config: a ``syncline.toml`` that describes it.
        env: more environment variables.
        variant: which variant; the first by default.
        backends: by environment variable, the server whose URL the service finds there.
    """

    word: str | None = None
    paths: tuple[str, ...] = ()
    method: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    url: str | None = None
    python: str | None = None
    working_dir: str | None = None
    config: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    variant: str | None = None
    backends: Mapping[str, Backend] = field(default_factory=dict)

    def case(self) -> Case:
        """It as a case; nobody is asked anything.

        Raises:
            UsageError: there is no such service, or a part of it cannot be.
            ConsentError: its URL is public.
        """
        given = {variable: backend.url for variable, backend in self.backends.items()}
        case = resolve(
            self.word,
            OwnAsked(
                url=self.url,
                command=self.command,
                paths=self.paths,
                method=self.method,
                headers=tuple(header(f"{name}: {value}") for name, value in self.headers.items()),
                python=self.python,
                working_dir=self.working_dir,
                config=self.config,
                env=tuple({**self.env, **given}.items()),
            ),
            choose=_all_or_root,
            show=lambda _requests: None,
        )
        return self._with_backends(case)

    def _with_backends(self, case: Case) -> Case:
        names: dict[str, dict[str, str]] = {}
        for variable, backend in self.backends.items():
            names.setdefault(backend.name, {})[variable] = "{url}"
        made = {name: Provision(variables) for name, variables in names.items()}
        return replace(
            case,
            backends=(*(one for one in case.backends if one not in made), *made),
            provisions={**case.provisions, **made},
        )


def _all_or_root(offer: Offer) -> tuple[Request, ...]:
    return offer.requests or (Request("/", name="GET /"),)
