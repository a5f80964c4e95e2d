"""The files that a plan names, made to travel: their bytes go to the agents with the plan.

A data file is shared (each agent reads the whole file) or partitioned (agent ``i`` of ``n`` gets
every ``n``-th row from the ``i``-th on, so that each row is used by one agent).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from syncline.errors import PlanError, UsageError
from syncline.plan import Plan, Request

Sharing = Literal["shared", "partitioned"]

# A file of data stands whole in the driver's memory and in each agent's.
MOST_BYTES = 256 * 1024 * 1024

_TEMPLATE = re.compile(r"\{\{\s*(line|csv):(.*?)\}\}")
_TLS = ("ca_file", "cert_file", "key_file")


@dataclass(frozen=True, slots=True)
class _Named:
    kind: str
    path: str
    tail: str


def named_files(plan: Plan) -> dict[str, str]:
    """The files that a plan names, by path: ``line``, ``csv`` or ``tls``."""
    found: dict[str, str] = {}

    def note(one: _Named) -> str:
        if found.setdefault(one.path, one.kind) != one.kind:
            raise PlanError(f"{one.path} is used as lines and as a table; use two files.")
        return one.path

    _moved(plan, note)
    for name in _TLS:
        if path := getattr(plan.tls, name):
            found[path] = "tls"
    return found


def read_files(plan: Plan) -> dict[str, bytes]:
    """The bytes of all files that a plan names, by path.

    Raises:
        UsageError: one cannot be read, or all together are too large to send.
    """
    contents: dict[str, bytes] = {}
    for path in named_files(plan):
        try:
            contents[path] = Path(path).read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if sum(map(len, contents.values())) > MOST_BYTES:
        raise UsageError(
            f"The plan's files are more than {MOST_BYTES >> 20} MB, too much to send to agents."
        )
    return contents


def for_agent(
    plan: Plan, contents: Mapping[str, bytes], sharing: Sharing, agent: int, agents: int
) -> dict[str, bytes]:
    """What one agent gets of the files.

    Raises:
        PlanError: a file has fewer rows than there are agents, or is no text.
    """
    kinds = named_files(plan)
    return {
        path: data
        if sharing == "shared" or kinds[path] == "tls"
        else _part(path, kinds[path], data, agent, agents)
        for path, data in contents.items()
    }


def relocate(plan: Plan, where: Mapping[str, str]) -> Plan:
    """The plan with other paths for its files; those not named stay."""
    moved = _moved(plan, lambda one: where.get(one.path, one.path))
    tls = {
        field.name: where.get(value, value)
        for field in fields(plan.tls)
        if field.name in _TLS and (value := getattr(plan.tls, field.name))
    }
    return replace(moved, tls=replace(plan.tls, **tls))


def _part(path: str, kind: str, data: bytes, agent: int, agents: int) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise PlanError(f"{path} is no UTF-8 text and cannot be partitioned.") from None
    head: list[str] = []
    if kind == "csv":
        table = io.StringIO(newline="")
        writer = csv.writer(table, lineterminator="\n")
        rows = []
        for row in csv.reader(io.StringIO(text, newline="")):
            if row:
                writer.writerow(row)
                rows.append(table.getvalue())
                table.seek(0)
                table.truncate()
        head, rows = rows[:1], rows[1:]
    else:
        rows = [f"{line}\n" for line in text.split("\n")]
        if rows[-1] == "\n":
            rows.pop()
    if len(rows) < agents:
        raise PlanError(f"{path} has {len(rows)} rows, too few to partition among {agents} agents.")
    return "".join(head + rows[agent::agents]).encode()


def _moved(plan: Plan, path_of: Callable[[_Named], str]) -> Plan:
    def one(text: str) -> str:
        def put(found: re.Match[str]) -> str:
            named = _named(found[1], found[2])
            return f"{{{{{named.kind}:{path_of(named)}{named.tail}}}}}"

        return _TEMPLATE.sub(put, text)

    def request(value: Request) -> Request:
        if not value.templates:
            return value
        return replace(
            value,
            path=one(value.path),
            headers=tuple((name, one(text)) for name, text in value.headers),
            body=None if value.body is None else one(value.body),
        )

    return replace(plan, requests=tuple(map(request, plan.requests)))


def _named(kind: str, rest: str) -> _Named:
    rest = rest.rstrip()
    if kind == "line":
        tail = ":random" if rest.endswith(":random") else ""
        return _Named(kind, rest.removesuffix(":random"), tail)
    path, _, column = rest.rpartition(":")
    return _Named(kind, path, f":{column}")
