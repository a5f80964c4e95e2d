"""What the config says is sent, and how: its requests, its steps and its loads as values."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote_plus

from syncline.cli.target import escaped_path
from syncline.config import ChecksOf, Config, LoadOf, RequestOf, Source, StepOf, capture_of
from syncline.errors import UsageError
from syncline.notation import duration_s, rate_range, stages, statuses
from syncline.plan import ClosedLoop, OpenLoop, Phase, Request, Schedule, Timeouts
from syncline.steps import Checks, Step
from syncline.trial import Load

_FILE_TEMPLATE = re.compile(r"\{\{(line|csv):([^:}]+)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Own:
    """A user's own service before it is a case.

    Attributes:
        config: what is known of it, from a file, the command line or both.
        source: where the config's keys stand.
        root: the folder that its relative paths start from.
        allowed: the hosts that the user said may be loaded.
    """

    config: Config
    source: Source
    root: Path
    allowed: tuple[str, ...] = ()


def requests_of(own: Own) -> tuple[Request, ...]:
    """What the config says is sent; none if it does not say.

    Raises:
        UsageError: one of them cannot be.
    """
    return tuple(_request(own, ("requests", at), one) for at, one in enumerate(own.config.requests))


def steps_of(own: Own, section: str) -> tuple[Step, ...]:
    """The steps of ``setup`` or ``teardown``.

    Raises:
        UsageError: one of them cannot be.
    """
    listed: tuple[StepOf, ...] = getattr(own.config, section)
    return tuple(_step(own, (section, at), one) for at, one in enumerate(listed))


def loads_of(own: Own, at: int, one: LoadOf, requests: tuple[Request, ...]) -> list[Load]:
    """One load at each of its levels.

    Args:
        at: its place among the loads.

    Raises:
        UsageError: it names an unknown request, or its times or rates contradict each other.
    """
    path = ("loads", at)
    known = [request.name for request in requests]
    for name in one.requests:
        if name not in known:
            raise own.source.error(
                (*path, "requests"), f"there is no request {name!r}; there are: {', '.join(known)}."
            )
    chosen = tuple(
        request for request in requests if not one.requests or request.name in one.requests
    )
    duration, warmup = seconds(one.duration), seconds(one.warmup)
    if warmup >= duration:
        raise own.source.error(
            path, f"the warm-up ({warmup:g} s) must be shorter than the load ({duration:g} s)."
        )
    if one.rate is not None and one.stages is not None:
        raise own.source.error((*path, "stages"), "rate and stages both set the rate; give one.")
    limit = seconds(one.timeout)
    levels = one.connections if isinstance(one.connections, tuple) else (one.connections,)
    return [
        Load(
            connections=level,
            duration_s=duration,
            requests=chosen,
            schedule=_schedule(one, duration, warmup),
            name=one.name,
            warmup_s=warmup,
            timeouts=Timeouts(min(5.0, limit), limit, limit),
            keep_alive=one.keep_alive,
        )
        for level in levels
    ]


def seconds(value: str | float) -> float:
    """A duration as the config has it; its text was checked when it was read."""
    return duration_s(value) if isinstance(value, str) else float(value)


def placed(own: Own, path: tuple[str | int, ...], make: Callable[[], T]) -> T:
    """What is made; an error in it says where in the file it comes from."""
    try:
        return make()
    except UsageError as error:
        raise own.source.error(path, str(error)) from None


def _request(own: Own, path: tuple[str | int, ...], one: RequestOf) -> Request:
    headers = tuple(one.headers.items())
    typed = {name.lower() for name in one.headers}
    bodies = [one.body is not None, one.json is not None, one.form is not None, bool(one.body_file)]
    if sum(bodies) > 1:
        raise own.source.error(path, "body, json, form and body_file each are the body; give one.")
    body, encoded, kind = one.body, None, ""
    if one.json is not None:
        body, kind = json.dumps(one.json, default=str), "application/json"
    elif one.form is not None:
        kind = "application/x-www-form-urlencoded"
        body = "&".join(
            f"{quote_plus(name)}={text if '{{' in text else quote_plus(text)}"
            for name, text in one.form.items()
        )
    elif one.body_file is not None:
        file = own.root / one.body_file
        try:
            encoded = base64.b64encode(file.read_bytes()).decode("ascii")
        except OSError as error:
            raise own.source.error(
                (*path, "body_file"), f"{file} cannot be read: {error.strerror}."
            ) from None
    if kind and "content-type" not in typed:
        headers = (("Content-Type", kind), *headers)
    return placed(
        own,
        path,
        lambda: Request(
            path=_placed_files(escaped_path(one.path), own.root),
            method=one.method.upper(),
            name=one.name or f"{one.method.upper()} {one.path.partition('?')[0]}",
            headers=tuple((name, _placed_files(text, own.root)) for name, text in headers),
            body=None if body is None else _placed_files(body, own.root),
            body_base64=encoded,
            weight=one.weight,
            expect=_expected(one.expect),
        ),
    )


def _expected(expect: int | str | tuple[int, ...] | None) -> tuple[int, ...]:
    if expect is None:
        return ()
    words = expect if isinstance(expect, tuple) else (expect,)
    return statuses(",".join(map(str, words)))


def _placed_files(text: str, root: Path) -> str:
    """The text with the files in its templates found from the config's folder."""
    return _FILE_TEMPLATE.sub(lambda found: f"{{{{{found[1]}:{root / found[2]}", text)


def _step(own: Own, path: tuple[str | int, ...], one: StepOf) -> Step:
    captures = placed(
        own, path, lambda: tuple(capture_of(name, text) for name, text in one.capture.items())
    )
    return Step(_request(own, path, one), captures, checks_of(one.checks))


def checks_of(one: ChecksOf | None) -> Checks:
    """The checks of an answer; none if the config has none.

    Raises:
        PlanError: a path into JSON is none.
    """
    return Checks() if one is None else Checks(one.contains, one.json, one.headers, one.min_items)


def _schedule(one: LoadOf, duration: float, warmup: float) -> Schedule:
    if one.stages is not None:
        phases = stages(one.stages)
    elif one.rate is not None:
        first, last = rate_range(str(one.rate))
        phases = (Phase(duration - warmup, first, last),)
    else:
        return ClosedLoop(think_time_s=0.0 if one.think_time is None else seconds(one.think_time))
    if warmup:
        phases = (Phase(warmup, phases[0].from_rps, phases[0].from_rps), *phases)
    return OpenLoop(phases, arrivals="poisson" if one.poisson else "uniform")
