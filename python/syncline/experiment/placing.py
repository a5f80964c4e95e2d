"""Which cores belong to the load generator, the service and the database."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FEWEST_CORES = 4


@dataclass(frozen=True, slots=True)
class Placing:
    """Cores by their numbers; all empty where everything shares all cores.

    Attributes:
        words: who runs where, or why nobody is bound to a core, in a sentence.
    """

    generator: tuple[int, ...] = ()
    service: tuple[int, ...] = ()
    database: tuple[int, ...] = ()
    words: str = ""


def place(cores: Sequence[int], *, database: bool, wanted: bool = True) -> Placing:
    """A quarter of the cores for the generator, one for a database, the rest for the service.

    Below four cores nobody is bound: the service would be left with one, and what is compared
    would be another service than the one that runs in production.

    Args:
        cores: those that may be used.
        database: whether a database of ours runs beside the service.
        wanted: False leaves everything to the system.
    """
    together = "generator, service and database share them"
    if not wanted:
        return Placing(words=f"Not bound to cores, as asked: {together}.")
    if len(cores) < FEWEST_CORES:
        return Placing(
            words=f"Not bound to cores: there are {len(cores)}, and it takes {FEWEST_CORES}; "
            f"{together}."
        )
    quarter = len(cores) // 4
    generator, rest = tuple(cores[:quarter]), tuple(cores[quarter:])
    behind = rest[-quarter:] if database else ()
    service = rest[: len(rest) - len(behind)]
    words = f"Bound to cores: generator {_listed(generator)}, service {_listed(service)}"
    if behind:
        words += f", database {_listed(behind)}"
    return Placing(generator, service, behind, f"{words}.")


def bind(pids: Iterable[int], cores: Sequence[int]) -> None:
    """Binds running processes to cores; what they start later inherits it.

    A process that ended meanwhile is passed over.

    Raises:
        PermissionError: a process is another user's.
    """
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, cores)


def _listed(cores: Sequence[int]) -> str:
    whole = list(range(cores[0], cores[-1] + 1)) == list(cores) and len(cores) > 2
    return f"{cores[0]}–{cores[-1]}" if whole else ", ".join(map(str, cores))
