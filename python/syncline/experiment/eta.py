"""The time to the end of a run."""

from __future__ import annotations

from syncline.trial import Trial

# Before anything was seen: a trial's share of starting services and back ends.
_FIRST_GUESS_S = 1.0


class Eta:
    """What the trials ask for, and what the finished ones took beyond it on the mean."""

    def __init__(self, trials: tuple[Trial, ...] = ()):
        self._left = [trial.load.duration_s for trial in trials]
        self._beyond_s: list[float] = []

    def add(self, trials: tuple[Trial, ...]) -> None:
        """More trials are asked for, after those that are left."""
        self._left += [trial.load.duration_s for trial in trials]

    def finished(self, took_s: float) -> None:
        """The first of the trials that are left ended, after that time in all."""
        self._beyond_s.append(max(0.0, took_s - self._left.pop(0)))

    @property
    def left_s(self) -> float:
        """Seconds to the end, as far as is known."""
        seen = self._beyond_s
        beyond = sum(seen) / len(seen) if seen else _FIRST_GUESS_S
        return sum(self._left) + beyond * len(self._left)
