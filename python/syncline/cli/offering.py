"""What is sent to a service of which nobody said it: found, shown, and for the user to change."""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from syncline.cli.target import escaped_path
from syncline.errors import ServiceStartError, UsageError
from syncline.launch import AppFacts, Workspace, start_service
from syncline.openapi import Offer, offer
from syncline.plan import Request
from syncline.report.clean import lines
from syncline.trial import Variant

_TIMEOUT_S = 5.0
_DOCUMENT_BYTES = 32 * 2**20
_SHOWN = 12


def offer_of_app(facts: AppFacts) -> Offer:
    """What an application's own OpenAPI document or list of routes offers."""
    if facts.openapi:
        return offer(facts.openapi)
    return Offer(tuple(Request(path, name=f"GET {path}") for path in facts.paths))


def offer_of_url(url: str, path: str) -> Offer:
    """What a running service's OpenAPI document offers; nothing if it has none there."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(
            host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    )
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        document: Any = json.loads(answer.read(_DOCUMENT_BYTES)) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return Offer(())
    finally:
        connection.close()
    return offer(document)


def offer_of_command(variant: Variant, env: Mapping[str, str], ready_path: str, path: str) -> Offer:
    """The same of a service that a command starts, for that alone and without its back ends.

    Raises:
        UsageError: it did not come up so.
    """
    python = variant.python or sys.executable
    try:
        with (
            Workspace.open() as workspace,
            start_service(
                variant, workspace=workspace, env=env, ready_path=ready_path, python=python
            ) as started,
        ):
            return offer_of_url(started.url, path)
    except ServiceStartError as error:
        raise UsageError(
            "Say what to send to the service that the command starts: --path /books, or "
            f"[[requests]] in syncline.toml. Started to be asked, it did not come up: {error}"
        ) from None


def choose(found: Offer) -> tuple[Request, ...]:
    """The requests to send, of those that were found; asks at a terminal, else takes all.

    Without any, it is ``GET /``.
    """
    requests = found.requests
    if not requests:
        _say("No request is described that could be sent as it is; GET / is sent.")
        _show_left_out(found)
        return (Request("/", name="GET /"),)
    _say(f"Sends {_count(len(requests), 'request')}, found in what the service says of itself:")
    _show(requests)
    _show_left_out(found)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        _say("Say it otherwise with --path, or as [[requests]] in syncline.toml.")
        return requests
    return edit(requests)


def edit(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Asks until the user is content; whoever leaves none is asked again."""
    chosen = list(requests)
    while True:
        answer = click.prompt(
            "Enter sends these; '-2,3' leaves out, '/path' adds a GET, 'q' ends",
            default="",
            show_default=False,
            err=True,
        ).strip()
        if not answer and chosen:
            return tuple(chosen)
        if answer == "q":
            raise click.Abort
        if answer.startswith("/"):
            path = escaped_path(answer)
            chosen.append(Request(path, name=f"GET {path.partition('?')[0]}"))
        else:
            out = _numbers(answer.lstrip("-"), len(chosen))
            chosen = [one for number, one in enumerate(chosen, 1) if number not in out]
        _show(chosen)


def show_sent(requests: Iterable[Request]) -> None:
    """Says what will be sent, before it is."""
    listed = tuple(requests)
    _say(f"Sends {_count(len(listed), 'request')}:")
    _show(listed)


def _numbers(text: str, most: int) -> set[int]:
    words = [word.strip() for word in text.split(",")]
    return {int(word) for word in words if word.isdigit() and 1 <= int(word) <= most}


def _show(requests: Sequence[Request]) -> None:
    for number, request in enumerate(requests[:_SHOWN], 1):
        weight = f"  (weight {request.weight:g})" if request.weight != 1 else ""
        _say(f"  {number:2}  {request.method} {request.path}{weight}")
    if len(requests) > _SHOWN:
        _say(f"      and {len(requests) - _SHOWN} more")


def _show_left_out(found: Offer) -> None:
    for one in found.left_out[:_SHOWN]:
        _say(f"  not {one.name}: {one.reason}")
    if len(found.left_out) > _SHOWN:
        _say(f"  and not {len(found.left_out) - _SHOWN} more")
    if found.writing:
        _say(f"  not {_count(found.writing, 'operation')} that may write")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _say(text: str) -> None:
    # Paths are the service's words: no control character of them reaches the terminal.
    for line in lines(text):
        click.echo(line, err=True)
