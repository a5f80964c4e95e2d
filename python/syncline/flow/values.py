"""What a scenario yields and receives."""

from __future__ import annotations

import json as _json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, TypeAlias

from syncline.errors import PlanError


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a flow.

    Attributes:
        path: path and query as they go on the wire.
        method: the HTTP method; with a body and no method given, POST.
        name: what reports call it; by default method and path, without the query. Give one
            where the path holds an id, or each id becomes a row of its own.
        headers: beside Host, User-Agent and Content-Length, which are set.
        body: text is sent as UTF-8.
        json: a value to send as JSON, with its Content-Type, instead of ``body``.
        expect: the status codes that count as success; empty means any 2xx or 3xx.
        pause_s: how long the user waits before sending it.
    """

    path: str
    method: str = ""
    name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    json: Any = None
    expect: tuple[int, ...] = ()
    pause_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise PlanError(f"a step's path is {self.path!r}; it must start with '/'.")
        if self.body is not None and self.json is not None:
            raise PlanError(f"the step {self.path} has both body and json; give one.")
        if self.pause_s < 0:
            raise PlanError(
                f"the step {self.path} has pause_s {self.pause_s}; it must be 0 or more."
            )

    @property
    def verb(self) -> str:
        """The method that is sent."""
        has_body = self.body is not None or self.json is not None
        return (self.method or ("POST" if has_body else "GET")).upper()

    @property
    def shown(self) -> str:
        """What reports call it."""
        return self.name or f"{self.verb} {self.path.partition('?')[0]}"

    @property
    def payload(self) -> bytes | None:
        """The body's bytes."""
        if self.json is not None:
            return _json.dumps(self.json).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer.

    Attributes:
        headers: in their order, names as they were sent.
        service_time_s: from the send of its request to its last byte.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    service_time_s: float

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are none are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: it is none.
        """
        return _json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header of that name, in whatever case; None if there is none."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return next(found, None)


class StepFailed(Exception):
    """Raised inside a flow where it yielded a step that did not succeed.

    A flow that does not catch it ends there, as a failed one.

    Attributes:
        kind: an error kind of docs/architecture.md, or the unexpected status as text.
        response: the answer, if there was a whole one.
    """

    def __init__(self, step: Step, kind: str, response: Response | None) -> None:
        super().__init__(f"{step.shown}: {kind}")
        self.step = step
        self.kind = kind
        self.response = response


@dataclass(slots=True)
class User:
    """One virtual user, who goes through the flow again and again.

    Attributes:
        number: from 0, different for each user of a load.
        round: how many flows this user began before this one.
        random: seeded by the load's seed and the user's number.
        keep: whatever the scenario wants to remember from one flow to the next.
        done: set it to True and this user begins no further flow.
    """

    number: int
    random: Random
    round: int = 0
    keep: dict[str, Any] = field(default_factory=dict)
    done: bool = False


Flow: TypeAlias = Generator[Step, Response, None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Where a flow is written down.

    Attributes:
        kind: a function in a Python file, or a script of wrk.
        file: its path.
        name: the function's name; empty for a script.
        arguments: what a script's ``init`` receives.
    """

    kind: Literal["python", "wrk"]
    file: str
    name: str = ""
    arguments: tuple[str, ...] = ()
