"""HTTP Archive files (HAR 1.2), as browsers and proxies save them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncline.errors import UsageError
from syncline.imports.recorded import Headers, Imported, checked_method, host_and_path, named
from syncline.plan import Request


def from_har(text: str, *, keep_credentials: bool = False) -> Imported:
    """The requests that went to the host of the file's first entry.

    A page's other hosts (fonts, statistics, a content network) are somebody else's; they are
    left out and counted in a note.

    Raises:
        UsageError: it is no HAR file, or holds no request.
    """
    entries = _entries(text)
    first, _ = host_and_path(_url(entries[0], 0))
    headers = Headers(keep_credentials=keep_credentials)
    requests: list[Request] = []
    instants: list[float] = []
    others: dict[str, int] = {}
    for index, entry in enumerate(entries):
        host, path = host_and_path(_url(entry, index))
        if host != first:
            others[str(host)] = others.get(str(host), 0) + 1
            continue
        requests.append(_request(entry["request"], path, headers, f"entry {index}"))
        instants.append(_instant(entry))
    notes = list(headers.notes())
    if others:
        names = ", ".join(f"{host} ({count})" for host, count in sorted(others.items()))
        notes.append(f"Left out, since they went to other hosts than {first}: {names}.")
    start = min(instants)
    at_s = None if start < 0 else tuple(instant - start for instant in instants)
    return Imported(tuple(requests), tuple(notes), at_s, 0.001)


def _entries(text: str) -> list[Mapping[str, Any]]:
    try:
        entries = json.loads(text.removeprefix("\ufeff"))["log"]["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"This is no HAR file (no log.entries in it): {error}.") from None
    if not isinstance(entries, list) or not entries:
        raise UsageError("The HAR file holds no requests: record with the network panel open.")
    return entries


def _url(entry: Any, index: int) -> str:
    try:
        return str(entry["request"]["url"])
    except (KeyError, TypeError):
        raise UsageError(f"Entry {index} of the HAR file has no request.url.") from None


def _request(asked: Mapping[str, Any], path: str, headers: Headers, where: str) -> Request:
    method = checked_method(str(asked.get("method", "GET")), where)
    pairs = [(str(one["name"]), str(one["value"])) for one in asked.get("headers", ())]
    post = asked.get("postData") or {}
    body = post.get("text")
    return Request(
        path,
        method,
        name=named(method, path),
        headers=headers.kept(pairs),
        body=None if body is None else str(body),
        templates=False,
    )


def _instant(entry: Mapping[str, Any]) -> float:
    """Seconds since 1970; -1 if the entry does not tell."""
    try:
        return datetime.fromisoformat(str(entry["startedDateTime"])).timestamp()
    except (KeyError, ValueError):
        return -1.0
