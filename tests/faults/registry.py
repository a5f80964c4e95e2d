"""All the faults that there are."""

from __future__ import annotations

from tests.faults.around_it import AROUND_IT
from tests.faults.fault import Fault
from tests.faults.in_the_process import IN_THE_PROCESS

FAULTS = (*IN_THE_PROCESS, *AROUND_IT)


def fault(name: str) -> Fault:
    """The one of that name; KeyError if there is none."""
    return {one.name: one for one in FAULTS}[name]
