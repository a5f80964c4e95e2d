"""Another machine's monotonic clock against this one's, from rounds of questions and answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Round:
    """One question and its answer, in nanoseconds.

    Attributes:
        asked, answered: on this machine's clock.
        there: on the other's, somewhere between the two.
    """

    asked: int
    there: int
    answered: int


@dataclass(frozen=True, slots=True)
class Offset:
    """How far another clock is ahead.

    Attributes:
        ns: add it to an instant here to get the same instant there.
        error_ns: the truth is no further from ``ns`` than this.
    """

    ns: int
    error_ns: int


def offset_of(rounds: Iterable[Round]) -> Offset:
    """The offset by the quickest round, as in NTP (RFC 5905, section 8).

    The answer was given between question and receipt; the middle is off by half of that time at
    most, so the quickest round bounds the error best. Averaging would let slow rounds in.
    """
    best = min(rounds, key=lambda one: one.answered - one.asked)
    return Offset(
        best.there - (best.asked + best.answered) // 2, (best.answered - best.asked + 1) // 2
    )
