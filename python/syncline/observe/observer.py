"""What every observer is: it samples some quantities whenever it is asked to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from syncline.outcome import Observation

# Every database observer calls its connection so, and leaves it out of what it counts.
APPLICATION = "syncline-observer"

Sample = dict[str, float | None]


class Blind(Exception):
    """An observer cannot see, or no longer; the text is one sentence that says why."""


class Observer(ABC):
    """Samples some quantities. One that raises is removed and said once; the others go on.

    A quantity whose name ends in ``_total`` only grows; the watcher takes off what it was when
    the load began.

    Attributes:
        name: whose word its quantities are; their names begin with it or are told apart by it.
        period_s: how often it should be asked.
        units: by a quantity's name, or by the beginning of one that ends in a dot.
        apart: whether a sample may wait for somebody, so that it needs a thread of its own.
    """

    name: ClassVar[str]
    period_s: ClassVar[float]
    units: ClassVar[Mapping[str, str]]
    apart: ClassVar[bool] = False

    @abstractmethod
    def sample(self, now: float) -> Sample:
        """The quantities now; None for one that cannot be seen at present.

        Args:
            now: seconds on the monotonic clock.

        Raises:
            Blind: it will not see again.
        """

    def begin(self) -> None:  # noqa: B027 - most need nothing
        """A trial begins: what :meth:`observations` tells is from here on."""

    def observations(self) -> tuple[Observation, ...]:
        """What was seen since :meth:`begin` that is no number over time. Instants are not given."""
        return ()

    def interrupt(self) -> None:  # noqa: B027
        """Ends a sample that is under way in another thread, by whatever means there are."""

    def close(self) -> None:  # noqa: B027
        """Lets go of connections and files."""

    def note(self, text: str) -> Observation:
        """A note of this observer."""
        return Observation(self.name, "note", text)


def unit_of(units: Mapping[str, str], name: str) -> str:
    """The unit of a quantity; ``1`` for a plain number."""
    if name in units:
        return units[name]
    beginning = name.rpartition(".")[0] + "."
    return units.get(beginning, "1")
