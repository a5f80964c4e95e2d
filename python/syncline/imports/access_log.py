"""Access logs: common and combined format, and JSON lines (nginx, Caddy, Traefik, own ones)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncline.errors import UsageError
from syncline.imports.recorded import Imported, checked_method, host_and_path, named
from syncline.plan import Request

_COMBINED = re.compile(
    r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>\S+)(?: HTTP/[\d.]+)?" \d{3}\b'
)
_METHODS = ("method", "request_method", "RequestMethod", "http_method", "verb")
_PATHS = ("uri", "request_uri", "path", "RequestPath", "url", "target")
_TIMES = ("ts", "time", "timestamp", "@timestamp", "time_iso8601", "time_local", "msec", "StartUTC")
_CLF = "%d/%b/%Y:%H:%M:%S %z"


def from_log(text: str) -> Imported:
    """The requests of an access log, by the instants that it tells.

    A log holds neither bodies nor headers, so requests are sent without them. Lines that are no
    requests are passed over and counted in a note; lines that tell no time make the whole log
    one without instants.

    Raises:
        UsageError: no line is a request.
    """
    found: list[tuple[float | None, bool, Request]] = []
    unread = 0
    for line in filter(None, map(str.strip, text.splitlines())):
        one = _json_line(line) if line.startswith("{") else _combined_line(line)
        if one is None:
            unread += 1
        else:
            found.append(one)
    if not found:
        raise UsageError(
            "No line of the log is a request; combined format and JSON lines can be read."
        )
    notes = (f"{unread} lines of the log are no requests and were passed over.",) if unread else ()
    if any(instant is None for instant, _, _ in found):
        return Imported(tuple(request for _, _, request in found), notes)
    # Logs are written as answers end, so lines stand a little out of the order of their instants.
    timed = sorted(((instant or 0.0, whole, one) for instant, whole, one in found), key=_instant)
    start = timed[0][0]
    return Imported(
        tuple(request for _, _, request in timed),
        notes,
        tuple(instant - start for instant, _, _ in timed),
        1.0 if all(whole for _, whole, _ in timed) else 0.001,
    )


def _instant(entry: tuple[float, bool, Request]) -> float:
    return entry[0]


def _combined_line(line: str) -> tuple[float | None, bool, Request] | None:
    found = _COMBINED.match(line)
    if found is None:
        return None
    request = _request(found["method"], found["path"])
    return None if request is None else (*_seconds(found["time"]), request)


def _json_line(line: str) -> tuple[float | None, bool, Request] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    inner = entry.get("request")
    if isinstance(inner, str):  # nginx's "GET /path HTTP/1.1"
        method, _, rest = inner.partition(" ")
        request = _request(method, rest.partition(" ")[0])
    else:
        fields: Mapping[str, Any] = inner if isinstance(inner, dict) else entry
        path = _first(fields, _PATHS)
        request = None if path is None else _request(_first(fields, _METHODS) or "GET", path)
    if request is None:
        return None
    time = _first(entry, _TIMES)
    return (*((None, False) if time is None else _seconds(time)), request)


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(entry[name]) for name in names if entry.get(name) not in (None, "")), None)


def _request(method: str, target: str) -> Request | None:
    try:
        method = checked_method(method, "log")
        _, path = host_and_path(target)
        return Request(path, method, name=named(method, path), templates=False)
    except UsageError:
        return None


def _seconds(text: str) -> tuple[float | None, bool]:
    """Seconds since 1970, and whether the text tells whole seconds only."""
    try:
        number = float(text)
        return (number / 1000 if number > 1e11 else number), "." not in text and number <= 1e11
    except ValueError:
        pass
    for read in (datetime.fromisoformat, lambda given: datetime.strptime(given, _CLF)):
        try:
            return read(text).timestamp(), "." not in text
        except ValueError:
            continue
    return None, False
