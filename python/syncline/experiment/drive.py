"""Searches, run: each experiment that one yields is measured, and it is told what came."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from syncline.search import Measured, Search
from syncline.trial import Experiment

T = TypeVar("T")


def drive(search: Search[T], measure: Callable[[Experiment], Measured]) -> T:
    """Runs a search to its end.

    Args:
        measure: measures an experiment. What it raises ends the search, which is closed and
            does not see it: Ctrl-C is nothing that a search could answer to.

    Returns:
        what the search returned.
    """
    with closing(search):
        answer: Measured | None = None
        while True:
            try:
                # The first value sent to a generator must be None.
                wanted = next(search) if answer is None else search.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = measure(wanted)
