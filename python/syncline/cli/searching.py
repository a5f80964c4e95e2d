"""What the commands that search share: whose service, what is sent, how long it may take."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import click
from rich.console import Console

from syncline.cli import files
from syncline.cli.choices import (
    BACKEND_URL,
    complete_case,
    complete_variant,
    database_option,
    setting_option,
)
from syncline.cli.own import OwnAsked, own_options, resolve
from syncline.cli.parameters import DURATION
from syncline.cli.run import check_urls
from syncline.cli.shape import on_database, with_settings
from syncline.errors import UsageError
from syncline.mask import mask
from syncline.record import RunRecord, Settings
from syncline.report.document import Document
from syncline.report.terminal import render_terminal
from syncline.sought import Sought
from syncline.store import DEFAULT_STORE
from syncline.trial import Case, Load

CROWD = 64  # connections that nobody needs to be told of: two pools and a half


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a search is about, as it was asked on the command line.

    Attributes:
        names: the variants.
        load: the requests to send, with the load's timeouts; its level is a usual one.
        urls: the user's own servers, by back end.
        budget_s: what the search may take; None leaves it to the search.
    """

    case: Case
    names: tuple[str, ...]
    load: Load
    urls: Mapping[str, str]
    budget_s: float | None
    quick: bool
    json: str | None
    store: str

    def settings(self, sought: Sought) -> Settings:
        """How the run is done, for its record."""
        servers = {name: mask(url) for name, url in self.urls.items()}
        return Settings(servers=servers, sought=sought)


@dataclass(frozen=True, slots=True)
class _Given:
    """The options as they arrive."""

    case: str | None
    own: OwnAsked
    variants: tuple[str, ...]
    load_name: str | None
    settings: tuple[tuple[str, str], ...]
    database: str | None
    backend_urls: tuple[tuple[str, str], ...]
    budget_s: float | None
    quick: bool
    json_file: str | None
    store: str


_OPTIONS = (
    click.option(
        *("--variant", "variants"),
        metavar="NAME",
        multiple=True,
        shell_complete=complete_variant,
        help="Search in this variant; may be repeated. The case's default ones otherwise.",
    ),
    click.option(
        *("--load", "load_name"),
        metavar="NAME",
        help="Send the requests of this load, such as insert; those of the first one otherwise.",
    ),
    setting_option,
    database_option,
    click.option(
        *("--database-url", "backend_urls"),
        type=BACKEND_URL,
        metavar="URL",
        multiple=True,
        help="Use this server instead of a private one; the case's tables are dropped and filled.",
    ),
    click.option(
        *("--budget", "budget_s"),
        type=DURATION,
        metavar="TIME",
        help="What the search may take, about: 2m.",
    ),
    click.option("--quick", is_flag=True, help="Shorter steps and a wider answer."),
    click.option(
        *("--json", "json_file"),
        metavar="FILE",
        help="Write the answer with its steps as JSON; - is standard output.",
    ),
    click.option(
        "--store",
        metavar="PATH",
        default=DEFAULT_STORE,
        show_default=True,
        help="Where runs are kept.",
    ),
)


def search_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says whose service is searched in; it arrives as one value, ``chosen``."""

    @functools.wraps(function)
    def gathered(**given: Any) -> Any:
        mine = _Given(**{one.name: given.pop(one.name) for one in fields(_Given)})
        return function(**given, chosen=functools.partial(choose, mine))

    wrapped: Callable[..., Any] = own_options(gathered)
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return click.argument("case", metavar="[CASE]", required=False, shell_complete=complete_case)(
        wrapped
    )


def choose(given: _Given) -> Chosen:
    """The service, its variants and what is sent to them.

    Raises:
        UsageError: a variant, a load or a setting that the case does not have.
    """
    case = resolve(given.case, given.own)
    names = tuple(dict.fromkeys(given.variants)) or case.default_variants
    case = with_settings(case, names, given.settings)
    case = on_database(case, given.database, dict(given.backend_urls))
    for name in names:
        case.variant(name)  # one that is not there is said before anything starts
    return Chosen(
        case=case,
        names=names,
        load=_load(case, given.load_name),
        urls=check_urls(case, given.backend_urls),
        budget_s=given.budget_s,
        quick=given.quick,
        json=given.json_file,
        store=given.store,
    )


def show_answer(
    record: RunRecord, document: Document, data: Mapping[str, object], json_file: str | None
) -> None:
    """Writes the answer as JSON, and shows it; JSON has standard output to itself.

    Raises:
        EnvironmentLackError: the file could not be written.
    """
    if json_file is not None:
        files.write_text(json_file, f"{json.dumps(data, indent=2, allow_nan=False)}\n")
    render_terminal(document, Console(stderr=json_file == files.STDOUT))
    click.echo(f"Kept as run {record.id}.", err=True)


def _load(case: Case, name: str | None) -> Load:
    """Of the loads with that name the heaviest that is no crowd; else the lightest."""
    names = tuple(dict.fromkeys(load.name for load in case.loads))
    wanted = names[0] if name is None else name
    if wanted not in names:
        raise UsageError(f"{case.name} has no load {wanted!r}; it has: {', '.join(names)}.")
    loads = [load for load in case.loads if load.name == wanted]
    usual = [load for load in loads if load.connections <= CROWD]
    if usual:
        return max(usual, key=lambda load: load.connections)
    return min(loads, key=lambda load: load.connections)
