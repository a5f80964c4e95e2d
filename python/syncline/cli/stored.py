"""Parameters that name a store or a run in it, and complete in the shell."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from syncline.errors import SynclineError, UsageError
from syncline.record import RunRecord
from syncline.store import DEFAULT_STORE, RunSummary, Store

store_option = click.option(
    "--store",
    metavar="PATH",
    default=DEFAULT_STORE,
    envvar="SYNCLINE_STORE",
    show_default=True,
    show_envvar=True,
    help="Where runs are kept: a file, or postgresql://… for a team.",
)


def complete_run(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The runs whose ids begin so, the newest first, each with what it was."""
    place = str(ctx.params.get("store") or DEFAULT_STORE)
    # A shell that completes must not be told of a store that cannot be read.
    with contextlib.suppress(SynclineError):
        found = [
            CompletionItem(run.id, help=f"{run.case}, {run.status}, {run.started[:16]}")
            for run in summaries(place)
            if run.id.startswith(incomplete)
        ]
        latest = [CompletionItem("latest")] if "latest".startswith(incomplete) and found else []
        return [*latest, *found]
    return []


def is_there(place: str) -> bool:
    """Whether there is a store; looking for one must not make it."""
    return "://" in place or Path(place).exists()


def open_existing(place: str) -> Store:
    """The store, which must be there already.

    Raises:
        UsageError: there is none.
        StoreError: it cannot be read.
    """
    if not is_there(place):
        raise UsageError(
            f"There is no store at {place}; 'syncline run' makes one, --store names another."
        )
    return Store.open(place)


def summaries(place: str) -> tuple[RunSummary, ...]:
    """All runs of a store, the newest first; none if there is no store.

    Raises:
        StoreError: it cannot be read.
    """
    if not is_there(place):
        return ()
    with Store.open(place) as store:
        return store.runs()


def load(place: str, name: str) -> RunRecord:
    """The run of that name: an id, its beginning, ``latest`` or ``latest~1``.

    Raises:
        UsageError: there is no store, or no such run.
        StoreError: it cannot be read.
    """
    with open_existing(place) as store:
        return store.load_run(store.find(name))
