"""Recorded requests as what the engine takes: a mix by weights, or rows of a table in order."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from syncline.plan import Request

# The engine keeps histograms for each request of a plan, some 200 kB apiece.
MOST_KINDS = 200


@dataclass(frozen=True, slots=True)
class Rows:
    """Requests that differ in path and body only, as one request with templates.

    Attributes:
        request: path and body are ``{{csv:FILE:…}}``; its weight is the number of rows.
        file: the name of the table's file.
        table: what the file must hold (CSV with a header).
    """

    request: Request
    file: str
    table: str


def mix(requests: Sequence[Request], most: int = MOST_KINDS) -> tuple[Request, ...] | None:
    """Each different request once, weighted by how often it stands there; None if too many."""
    counts = Counter(replace(one, weight=1.0) for one in requests)
    if len(counts) > most:
        return None
    return tuple(replace(one, weight=float(count)) for one, count in counts.items())


def rows(
    requests: Sequence[Request], file_of: Callable[[int], str], what: str
) -> tuple[Rows, ...] | None:
    """Requests in their order, as few tables as methods and headers allow.

    With one table the engine sends row after row, in order, and begins anew at its end; several
    are mixed by their numbers of rows. None if there are too many, or bodies that are no text.

    Args:
        file_of: the file's name for the table of that number.
        what: what reports call them, after the method.
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...], bool], list[Request]] = {}
    for one in requests:
        if one.body_base64 is not None:
            return None
        groups.setdefault((one.method, one.headers, one.body is not None), []).append(one)
    if len(groups) > MOST_KINDS:
        return None
    # A header that would read as a template now must not: they are on for these requests.
    if any("{{" in value for _, headers, _ in groups for _, value in headers):
        return None
    return tuple(
        _table(method, headers, has_body, members, file_of(number), what)
        for number, ((method, headers, has_body), members) in enumerate(groups.items())
    )


def _table(
    method: str,
    headers: tuple[tuple[str, str], ...],
    has_body: bool,
    members: Sequence[Request],
    file: str,
    what: str,
) -> Rows:
    text = io.StringIO()
    # Quoted throughout: an empty body alone on its line would else be no row.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["path", "body"])
    writer.writerows([one.path[1:], one.body or ""] for one in members)
    request = Request(
        f"/{{{{csv:{file}:path}}}}",
        method,
        name=f"{method} {what}",
        headers=headers,
        body=f"{{{{csv:{file}:body}}}}" if has_body else None,
        weight=float(len(members)),
    )
    return Rows(request, file, text.getvalue())
