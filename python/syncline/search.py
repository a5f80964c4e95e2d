"""A search: measurements of which the next ones depend on what came of those before.

A search is a generator. It yields an :class:`~syncline.trial.Experiment` each time it wants
trials measured and receives what came of them; it neither measures nor waits itself, so it is
tried in a test by sending it outcomes. :func:`syncline.experiment.run_search` runs one on
services::

    def where_it_bends(case: Case, loads: Iterable[Load]) -> Search[Load | None]:
        for load in loads:
            measured = yield sweep(case, ("sync",), (load,))
            if any(outcome.hang is not None for _, outcome in measured):
                return load
        return None

Searches are put together with ``yield from``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from syncline.outcome import Outcome
from syncline.trial import Experiment, Trial

T = TypeVar("T")

Measured: TypeAlias = tuple[tuple[Trial, Outcome], ...]
"""The trials of an experiment with what came of each, in the order in which they were run."""

Search: TypeAlias = Generator[Experiment, Measured, T]
"""A search that returns a ``T``; what it returns can be told from the outcomes alone."""


def only(experiment: Experiment) -> Search[Measured]:
    """The search that wants one experiment and nothing after it."""
    return (yield experiment)
