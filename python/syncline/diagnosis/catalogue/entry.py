"""What there is to know of a finding's code."""

from __future__ import annotations

from dataclasses import dataclass

from syncline.finding import Code


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the catalogue.

    Attributes:
        meaning: what the code says, in a sentence.
        mechanism: why a service bends so, in a sentence.
        evidence: what must be seen for the code to be named.
        remedies: what helps, the most thorough first.
        not_cures: what only seems to help, or moves the bound.
        sources: where to read on.
    """

    code: Code
    meaning: str
    mechanism: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]
    not_cures: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
