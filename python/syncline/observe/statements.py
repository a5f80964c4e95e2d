"""The statements that say what sessions did last, kept from the sample that tells most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncline.mask import mask
from syncline.outcome import Observation

LENGTH = 300
_KEPT = 5


@dataclass(frozen=True, slots=True)
class Held:
    """Sessions in the same state that last ran the same statement.

    Attributes:
        oldest_s: for how long the oldest of them has been in that state.
        seen_at: seconds on the monotonic clock.
    """

    state: str
    application: str
    statement: str
    sessions: int
    oldest_s: float | None
    seen_at: float


class Idlers:
    """For each state, the sample in which most sessions were in it."""

    def __init__(self) -> None:
        self._peaks: dict[str, tuple[int, list[Held]]] = {}

    def clear(self) -> None:
        """Forget what was seen."""
        self._peaks.clear()

    def add(self, seen: Iterable[Held]) -> None:
        """One sample."""
        states: dict[str, list[Held]] = {}
        for held in seen:
            states.setdefault(held.state, []).append(held)
        for state, items in states.items():
            number = sum(held.sessions for held in items)
            if number > self._peaks.get(state, (0, []))[0]:
                ranked = sorted(items, key=lambda held: -held.sessions)
                self._peaks[state] = number, ranked[:_KEPT]

    def observations(self, observer: str) -> tuple[Observation, ...]:
        """The peaks, the statement of most sessions first."""
        return tuple(
            Observation(
                observer,
                "idle-statement",
                f"At most {number} sessions were {state}; {held.sessions} of them last ran: "
                f"{one_line(held.statement)}",
                data={
                    "state": state,
                    "sessions": number,
                    "share": held.sessions,
                    "application": held.application,
                    "statement": one_line(held.statement),
                    "oldest_s": None if held.oldest_s is None else round(held.oldest_s, 3),
                    "monotonic_s": held.seen_at,
                },
            )
            for state, (number, items) in sorted(self._peaks.items())
            for held in items
        )


def top(
    observer: str, found: Iterable[tuple[str, Mapping[str, float]]], limit: int = 10
) -> tuple[Observation, ...]:
    """Statements by the time they took in all, given as text and figures with ``total_ms``."""
    ranked = sorted(found, key=lambda item: -item[1]["total_ms"])[:limit]
    return tuple(
        Observation(
            observer,
            "statement",
            f"{figures['calls']:.0f} calls took {figures['total_ms']:.0f} ms in all: "
            f"{one_line(text)}",
            data={"statement": one_line(text), **figures},
        )
        for text, figures in ranked
    )


def one_line(statement: str) -> str:
    """A statement without line breaks and passwords, at most :data:`LENGTH` characters."""
    return mask(" ".join(statement.split()))[:LENGTH] or "(not to be seen)"
