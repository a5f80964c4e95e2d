"""What all connections of a server share."""

from __future__ import annotations

import time
from typing import Protocol

from syncline_cases.entities.answers import Answers
from syncline_cases.entities.limits import Limits


class Guest(Protocol):
    """What the server asks of a connection."""

    def check(self) -> None:
        """Holds the client against the limits, as of ``hub.now``."""

    def finish(self) -> None:
        """Leaves as soon as all that was asked is answered."""

    def abort(self) -> None:
        """Leaves at once."""


class Hub:
    """The clock, the answers and the open connections.

    Attributes:
        now: monotonic seconds as of the last tick; reading a real clock for each request
            would cost more than the limits are worth.
        stopping: no further request is waited for.
    """

    __slots__ = ("answers", "guests", "limits", "now", "stopping")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.answers = Answers()
        self.guests: set[Guest] = set()
        self.now = time.monotonic()
        self.stopping = False

    def tick(self) -> None:
        """Moves the clock and sends those away who are over their limits."""
        self.now = time.monotonic()
        self.answers.refresh()
        for guest in tuple(self.guests):
            guest.check()
