"""Requests that are sent once, from Python, around the loads, and what is taken from answers.

A setup request logs in or makes what the load needs; what it captures stands in the load's
requests as ``{{capture:NAME}}``. Nothing here opens a socket: ``experiment`` sends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote

from syncline.errors import MeasurementError, PlanError
from syncline.plan import Request

Source = Literal["json", "header", "cookie", "regex"]

_PLACE = re.compile(r"\{\{capture:([A-Za-z_][A-Za-z0-9_-]*)\}\}")
_JSON_STEP = re.compile(r"\.?([A-Za-z_$@-][\w$@-]*)|\[(\d+)\]")
_SHOWN = 80
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Capture:
    """A value taken from an answer.

    Attributes:
        name: what ``{{capture:NAME}}`` calls it.
        source: ``json`` (a path such as ``items[0].id``), ``header``, ``cookie``, or ``regex``
            (its first group, in the body).
        expression: the path, the name, or the expression.
    """

    name: str
    source: Source
    expression: str

    def __post_init__(self) -> None:
        if self.source == "json":
            json_path(self.expression)
        elif self.source == "regex":
            try:
                groups = re.compile(self.expression).groups
            except re.error as error:
                raise PlanError(f"{self.expression!r} is no regular expression: {error}.") from None
            if groups != 1:
                raise PlanError(f"{self.expression!r} needs one group in brackets: what to take.")


@dataclass(frozen=True, slots=True)
class Checks:
    """What must hold of one answer.

    Attributes:
        contains: texts that the body must hold.
        json: by path, the value that must stand there; ``min_items`` counts a list instead.
        headers: by name, a text that the header must hold.
        min_items: by path, how many items a list must have at least.
    """

    contains: tuple[str, ...] = ()
    json: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    min_items: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One request that is sent once, in its turn.

    Attributes:
        request: of its templates only ``{{capture:NAME}}`` is known.
        captures: what is taken from its answer.
        checks: what must hold of its answer.
    """

    request: Request
    captures: tuple[Capture, ...] = ()
    checks: Checks = field(default_factory=Checks)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as far as captures and checks read it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return next(found, None)


def json_path(text: str) -> tuple[str | int, ...]:
    """The steps of a path such as ``items[0].id`` or ``$.token``; empty is the whole document.

    Raises:
        PlanError: it is no such path.
    """
    rest = text.removeprefix("$")
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _JSON_STEP.match(rest, at)
        if found is None:
            raise PlanError(f"{text!r} is no path into JSON; write one such as items[0].id.")
        steps.append(found[1] if found[1] is not None else int(found[2]))
        at = found.end()
    return tuple(steps)


def captured(step: Step, answer: Answer) -> dict[str, str]:
    """What a step takes from its answer, once that is as the step wants it.

    Raises:
        MeasurementError: the status, a check or a capture fails; the message says which.
    """
    _check_status(step, answer)
    _check(step, answer)
    return {capture.name: _take(step, capture, answer) for capture in step.captures}


def with_captures(request: Request, values: Mapping[str, str]) -> Request:
    """The request with its ``{{capture:NAME}}`` filled in, each as its place wants it escaped.

    Raises:
        PlanError: no request before it captured that name.
    """
    kind = next((v for k, v in request.headers if k.lower() == "content-type"), "")

    def in_body(value: str) -> str:
        if "json" in kind:
            return json.dumps(value)[1:-1]
        return quote(value, safe="") if "urlencoded" in kind else value

    return replace(
        request,
        path=_filled(request.path, values, lambda value: quote(value, safe="")),
        headers=tuple((k, _filled(v, values, str)) for k, v in request.headers),
        body=None if request.body is None else _filled(request.body, values, in_body),
    )


def names_used(request: Request) -> frozenset[str]:
    """The captures that a request needs."""
    texts = (request.path, request.body or "", *(value for _, value in request.headers))
    return frozenset(name for text in texts for name in _PLACE.findall(text))


def _filled(text: str, values: Mapping[str, str], escape: Any) -> str:
    def value_of(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise PlanError(f"{{{{capture:{found[1]}}}}}: no setup request captures {found[1]!r}.")
        return str(escape(values[found[1]]))

    return _PLACE.sub(value_of, text)


def _check_status(step: Step, answer: Answer) -> None:
    expected = step.request.expect
    good = answer.status in expected if expected else 200 <= answer.status < 400
    if not good:
        raise _failed(step, f"answered {answer.status}: {_short(answer.body)}")


def _check(step: Step, answer: Answer) -> None:
    checks = step.checks
    for text in checks.contains:
        if text not in answer.body:
            raise _failed(step, f"holds no {text!r}: {_short(answer.body)}")
    for name, text in checks.headers.items():
        if text not in (answer.header(name) or ""):
            raise _failed(step, f"has {name}: {answer.header(name)!r}, which holds no {text!r}")
    for path, wanted in checks.json.items():
        found = _at(step, path, answer)
        if found is _MISSING or found != wanted:
            shown = "nothing" if found is _MISSING else _short(json.dumps(found))
            raise _failed(step, f"has {shown} at {path}, not {json.dumps(wanted)}")
    for path, least in checks.min_items.items():
        found = _at(step, path, answer)
        if not isinstance(found, list) or len(found) < least:
            count = f"{len(found)} items" if isinstance(found, list) else "no list"
            raise _failed(step, f"has {count} at {path or 'its root'}, not {least} or more")


def _take(step: Step, capture: Capture, answer: Answer) -> str:
    value: object = _MISSING
    if capture.source == "json":
        value = _at(step, capture.expression, answer)
    elif capture.source == "header":
        value = answer.header(capture.expression) or _MISSING
    elif capture.source == "cookie":
        value = _cookie(answer, capture.expression)
    elif found := re.search(capture.expression, answer.body):
        value = found[1]
    if value is _MISSING or value is None or isinstance(value, dict | list):
        raise _failed(step, f"holds nothing to capture as {capture.name} at {capture.expression!r}")
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    # A template would be carried out by the engine, which reads files: the service must not
    # be able to have that done.
    if "{{" in text or any(ord(character) < 32 for character in text):
        raise _failed(step, f"has a value for {capture.name} that cannot be sent on safely")
    return text


def _cookie(answer: Answer, name: str) -> object:
    for key, value in answer.headers:
        if key.lower() == "set-cookie" and value.partition("=")[0].strip() == name:
            return value.partition("=")[2].partition(";")[0]
    return _MISSING


def _at(step: Step, path: str, answer: Answer) -> Any:
    try:
        found: Any = json.loads(answer.body)
    except ValueError:
        raise _failed(step, f"is no JSON: {_short(answer.body)}") from None
    for part in json_path(path):
        if isinstance(part, int):
            if not isinstance(found, list) or part >= len(found):
                return _MISSING
        elif not isinstance(found, dict) or part not in found:
            return _MISSING
        found = found[part]
    return found


def _failed(step: Step, what: str) -> MeasurementError:
    request = step.request
    name = request.name or f"{request.method} {request.path.partition('?')[0]}"
    return MeasurementError(f"The answer to {name} {what}.")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"
