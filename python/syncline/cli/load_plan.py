"""The options of ``syncline load``, grouped, and the plan that they make."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote_plus

from syncline.cli.target import Target
from syncline.codec import from_json
from syncline.errors import PlanError, UsageError
from syncline.plan import ClosedLoop, OpenLoop, Phase, Plan, Request, Schedule, Timeouts, Tls

DEFAULT_DURATION_S = 10.0


@dataclass(frozen=True, slots=True)
class What:
    """What is sent."""

    method: str | None
    headers: tuple[tuple[str, str], ...]
    body: str | None
    body_file: Path | None
    form: tuple[tuple[str, str], ...]
    json_body: str | None
    expect: tuple[int, ...] | None
    user: str | None
    bearer: str | None
    requests_file: Path | None


@dataclass(frozen=True, slots=True)
class When:
    """When requests start and when the load ends."""

    duration: float | None
    requests: int | None
    rate: tuple[float, float] | None
    stages: tuple[Phase, ...] | None
    poisson: bool
    think_time: float | None
    warmup: float
    interval: float
    seed: int


@dataclass(frozen=True, slots=True)
class How:
    """What carries the requests."""

    connections: int
    threads: int
    timeout: float | None
    connect_timeout: float | None
    no_keepalive: bool
    insecure: bool
    cacert: Path | None
    cert: Path | None
    key: Path | None
    sni: str | None
    cookies: bool
    redirects: int
    spin: bool
    pin_cpus: tuple[int, ...] | None


def build_plan(target: Target, what: What, when: When, how: How) -> Plan:
    """The plan that the options ask for.

    Raises:
        UsageError: options contradict each other.
        PlanError: a value cannot be.
    """
    duration_s = _duration_s(when)
    bounds = Timeouts()
    if how.timeout is not None:
        bounds = replace(bounds, response_s=how.timeout, total_s=how.timeout)
    if how.connect_timeout is not None:
        bounds = replace(bounds, connect_s=how.connect_timeout)
    if how.key is not None and how.cert is None:
        raise UsageError("--key needs the certificate that it belongs to: add --cert FILE.")
    return Plan(
        target=target.origin,
        requests=_requests(target, what),
        schedule=_schedule(when, duration_s),
        connections=how.connections,
        threads=how.threads,
        duration_s=None if duration_s is None else duration_s + when.warmup,
        request_count=when.requests,
        warmup_s=when.warmup,
        timeouts=bounds,
        keep_alive=not how.no_keepalive,
        seed=when.seed,
        interval_s=when.interval,
        tls=Tls(
            verify=not how.insecure,
            ca_file=_name(how.cacert),
            cert_file=_name(how.cert),
            key_file=_name(how.key),
            server_name=how.sni,
        ),
        cookies=how.cookies,
        max_redirects=how.redirects,
        spin=how.spin,
        pin_cpus=_pinned(how.pin_cpus),
    )


def _pinned(cpus: tuple[int, ...] | None) -> tuple[int, ...]:
    usable = os.sched_getaffinity(0)
    if absent := [cpu for cpu in cpus or () if cpu not in usable]:
        raise UsageError(
            f"--pin-cpus: processor {absent[0]} cannot be used here; these can: "
            f"{', '.join(map(str, sorted(usable)))}."
        )
    return cpus or ()


def _duration_s(when: When) -> float | None:
    if when.duration is not None:
        return when.duration
    if when.stages is not None:
        return sum(phase.duration_s for phase in when.stages)
    return DEFAULT_DURATION_S if when.requests is None else None


def _schedule(when: When, duration_s: float | None) -> Schedule:
    if when.rate is not None and when.stages is not None:
        raise UsageError("--rate and --stages both set the rate; give one.")
    phases = when.stages or ()
    if when.rate is not None:
        first, last = when.rate
        if first != last and duration_s is None:
            raise UsageError("a ramp needs to know how long it takes: add --duration.")
        phases = (Phase(1.0 if duration_s is None else duration_s, first, last),)
    if not phases:
        if when.poisson:
            raise UsageError("--poisson needs a rate: add --rate or --stages.")
        return ClosedLoop(think_time_s=when.think_time or 0.0)
    if when.think_time is not None:
        raise UsageError(
            "--think-time belongs to a closed loop; with --rate or --stages the schedule alone "
            "says when requests start."
        )
    if when.warmup:
        # The warm-up runs at the rate at which the measured part begins.
        start = phases[0].from_rps
        phases = (Phase(when.warmup, start, start), *phases)
    if all(phase.from_rps == phase.to_rps == phases[0].from_rps for phase in phases):
        phases = (replace(phases[0], duration_s=1.0),)
    return OpenLoop(phases, arrivals="poisson" if when.poisson else "uniform")


def _requests(target: Target, what: What) -> tuple[Request, ...]:
    headers, body, encoded = _body(what)
    common = (*_host(target), *what.headers, *_authorization(target, what), *headers)
    expect = what.expect or ()
    if what.requests_file is not None:
        if body is not None or encoded is not None or what.method is not None:
            raise UsageError("--requests-file sets methods and bodies; leave out the others.")
        if target.path != "/":
            raise UsageError("--requests-file sets the paths; leave the URL's path out.")
        return tuple(
            replace(one, headers=(*common, *one.headers), expect=one.expect or expect)
            for one in _from_file(what.requests_file)
        )
    has_body = body is not None or encoded is not None
    method = (what.method or ("POST" if has_body else "GET")).upper()
    if not method.isascii() or not method.replace("-", "").isalpha():
        raise UsageError(f"{method!r} is no HTTP method.")
    request = Request(
        target.path, method, headers=common, body=body, body_base64=encoded, expect=expect
    )
    return (_named(request),)


def _named(request: Request) -> Request:
    """The request with a name: without its query, where secrets may be."""
    return replace(
        request, name=request.name or f"{request.method} {request.path.partition('?')[0]}"
    )


def _body(what: What) -> tuple[tuple[tuple[str, str], ...], str | None, str | None]:
    """Headers that the body brings along, its text, or its bytes in base64."""
    given = [
        what.body is not None,
        what.body_file is not None,
        bool(what.form),
        bool(what.json_body),
    ]
    if sum(given) > 1:
        raise UsageError("--body, --body-file, --form and --json-body each set the body; give one.")
    own = {name.lower() for name, _ in what.headers}

    def typed(kind: str) -> tuple[tuple[str, str], ...]:
        return () if "content-type" in own else (("Content-Type", kind),)

    if what.body_file is not None:
        try:
            data = what.body_file.read_bytes()
        except OSError as error:
            raise UsageError(f"{what.body_file} cannot be read: {error.strerror}.") from None
        return (), None, base64.b64encode(data).decode("ascii")
    if what.form:
        fields = "&".join(f"{quote_plus(name)}={_form_value(text)}" for name, text in what.form)
        return typed("application/x-www-form-urlencoded"), fields, None
    if what.json_body:
        _check_json(what.json_body)
        return typed("application/json"), what.json_body, None
    return (), what.body, None


def _form_value(text: str) -> str:
    """A value escaped unless it holds a template, whose braces must stay."""
    return text if "{{" in text else quote_plus(text)


def _check_json(text: str) -> None:
    if "{{" in text:
        return  # a template need not be JSON before it is filled in
    try:
        json.loads(text)
    except ValueError as error:
        raise UsageError(f"--json-body is no JSON: {error}.") from None


def _host(target: Target) -> tuple[tuple[str, str], ...]:
    return (("Host", target.host_header),) if target.host_header else ()


def _authorization(target: Target, what: What) -> tuple[tuple[str, str], ...]:
    credentials = what.user or target.credentials
    ways = [
        bool(credentials),
        what.bearer is not None,
        any(name.lower() == "authorization" for name, _ in what.headers),
    ]
    if sum(ways) > 1:
        raise UsageError("the request would carry two authorisations; give one.")
    if what.bearer is not None:
        return (("Authorization", f"Bearer {what.bearer}"),)
    if credentials:
        encoded = base64.b64encode(credentials.encode()).decode("ascii")
        return (("Authorization", f"Basic {encoded}"),)
    return ()


def _from_file(path: Path) -> Sequence[Request]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}.") from None
    if not isinstance(data, list) or not data:
        raise PlanError(
            f'{path} must hold a list of requests, such as [{{"path": "/users", "weight": 3}}].'
        )
    return [
        _named(from_json(Request, item, f"{path.name}[{index}]")) for index, item in enumerate(data)
    ]


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
