"""The functions that a profile's weight is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncline.flame.whose import Owner, owner
from syncline.folded import Folded, Frame


@dataclass(frozen=True, slots=True)
class Spot:
    """A function and its part of a profile.

    Attributes:
        name, file: the function, all its lines together.
        owner: whose code it is.
        own: the weight while it was the innermost, in the profile's measure.
        total: the weight while it was anywhere in the stack; recursion counts once.
        own_share, total_share: the same as shares of the whole profile.
    """

    name: str
    file: str
    owner: Owner
    own: float
    total: float
    own_share: float
    total_share: float


def yours(folded: Folded) -> dict[Frame, float]:
    """The share of each place in the service's own code, the largest first: a stack counts for
    the innermost one of it, whatever that calls in libraries. Lines of a function add up."""
    found: dict[Frame, float] = {}
    whole = folded.total
    for stack, weight in folded.stacks():
        mine = next((frame for frame in reversed(stack) if owner(frame.file) == "yours"), None)
        if mine is not None and whole:
            key = Frame(mine.name, mine.file)
            found[key] = found.get(key, 0.0) + weight / whole
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def top(folded: Folded, *, owners: Iterable[Owner] = ()) -> tuple[Spot, ...]:
    """Every function of these owners (all if empty), most own weight first."""
    own: dict[tuple[str, str], float] = {}
    total: dict[tuple[str, str], float] = {}
    whole = 0.0
    for stack, weight in folded.stacks():
        whole += weight
        keys = [(frame.name, frame.file) for frame in stack]
        own[keys[-1]] = own.get(keys[-1], 0.0) + weight
        for key in set(keys):
            total[key] = total.get(key, 0.0) + weight
    wanted = frozenset(owners)
    spots = [
        Spot(
            name=name,
            file=file,
            owner=owner(file),
            own=own.get((name, file), 0.0),
            total=weight,
            own_share=own.get((name, file), 0.0) / whole,
            total_share=weight / whole,
        )
        for (name, file), weight in total.items()
        if whole and (not wanted or owner(file) in wanted)
    ]
    return tuple(sorted(spots, key=lambda spot: (-spot.own, -spot.total, spot.name, spot.file)))
