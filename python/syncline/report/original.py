"""The original author's published figures, matched to the levels of a run."""

from __future__ import annotations

from dataclasses import dataclass

from syncline.report.document import Cell
from syncline.report.levels import Level
from syncline.trial import Case, Published


@dataclass(frozen=True, slots=True)
class Original:
    """What was published of a case; from another machine, so only its shape compares."""

    published: tuple[Published, ...]
    source: str

    @classmethod
    def of(cls, case: Case) -> Original:
        """The original that a case carries."""
        return cls(case.published, case.source)

    def find(self, level: Level, variant: str) -> Published | None:
        """The figure that belongs to a cell, if there is one."""
        for figure in self.published:
            place = (figure.load, figure.connections, figure.variant)
            if place == (level.load, level.connections, variant):
                return figure
        return None

    def hung(self, level: Level, variant: str) -> bool:
        """Whether the author said that it hung there."""
        figure = self.find(level, variant)
        return figure is not None and "hang" in figure.note.lower()

    def answered(self, level: Level, variant: str) -> bool:
        """Whether the author has a rate above zero there, without a hang."""
        figure = self.find(level, variant)
        return bool(figure and figure.throughput_rps) and not self.hung(level, variant)

    def ratio(self, level: Level, base: str, other: str) -> float | None:
        """``other`` over ``base``, where both answered."""
        if not (self.answered(level, base) and self.answered(level, other)):
            return None
        below, above = self.find(level, base), self.find(level, other)
        if below is None or above is None or not below.throughput_rps or not above.throughput_rps:
            return None
        return above.throughput_rps / below.throughput_rps

    def cell(self, level: Level, variant: str) -> Cell:
        """The author's rate as a cell; a hang is a word, never 0."""
        if self.hung(level, variant):
            return Cell("hang", tone="dim")
        figure = self.find(level, variant)
        return Cell(figure.throughput_rps if figure else None, "rate", tone="dim")
