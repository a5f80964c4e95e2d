"""``--on`` and ``--agents``: from where a load is sent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Literal

import click

from syncline import engine
from syncline.errors import UsageError
from syncline.outcome import LoadResult, Progress
from syncline.plan import Plan

Load = Callable[[Plan, Callable[[Progress], None] | None], LoadResult]
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]

LOCAL = "local"
_AGENTS = 2

ON: tuple[Wrap, ...] = (
    click.option(
        "--on",
        metavar="PLACE",
        default=LOCAL,
        show_default=True,
        help="Send from: local; ray, a private Ray cluster here, for this run only; "
        "ray://HOST:PORT, a cluster's client port.",
    ),
    click.option(
        "--agents",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help=f"With --on ray: share the load among N agents, one per node. {_AGENTS} by default.",
    ),
    click.option(
        "--data",
        type=click.Choice(["shared", "partitioned"]),
        default="shared",
        show_default=True,
        help="With --on ray: each agent reads whole data files, or its own rows of them.",
    ),
    click.option(
        "--insecure-cluster",
        is_flag=True,
        help="Use a Ray cluster although everyone who reaches it may run programs on it.",
    ),
)


@dataclass(frozen=True, slots=True)
class Where:
    """From where a load is sent."""

    on: str
    agents: int | None
    data: Literal["shared", "partitioned"]
    insecure_cluster: bool

    def __post_init__(self) -> None:
        if self.on == LOCAL:
            for name, given in (
                ("--agents", self.agents is not None),
                ("--data partitioned", self.data != "shared"),
                ("--insecure-cluster", self.insecure_cluster),
            ):
                if given:
                    raise UsageError(f"{name} needs --on ray or --on ray://HOST:PORT.")


def on_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, which gets them as ``where``."""

    @functools.wraps(function)
    def with_where(**given: Any) -> Any:
        names = [field.name for field in fields(Where)]
        return function(where=Where(**{name: given.pop(name) for name in names}), **given)

    wrapped: Callable[..., Any] = with_where
    for option in reversed(ON):
        wrapped = option(wrapped)
    return wrapped


@contextmanager
def sender(
    where: Where, cores: int, allowed: Sequence[str] = (), *, fewer: bool = False
) -> Iterator[Load]:
    """What runs loads there; agents are released at the end of the block.

    Args:
        cores: how many cores each agent takes, as many as it has threads.
        allowed: public hosts that may be loaded.
        fewer: whether a load too small for all agents goes to some of them, as in a sweep that
            begins with one connection.
    """
    if where.on == LOCAL:
        yield engine.load
        return
    from syncline import agents  # late: Ray is an extra, and slow to import

    place = agents.Place(where.on, where.agents or _AGENTS, insecure=where.insecure_cluster)
    with agents.gathered(
        place, cores=cores, allowed=allowed, sharing=where.data, fewer=fewer
    ) as crew:
        yield crew.load
