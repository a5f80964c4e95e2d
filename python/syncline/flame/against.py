"""Two profiles against each other, each by the requests that it served."""

from __future__ import annotations

from dataclasses import dataclass

from syncline.flame.top import top
from syncline.flame.whose import Owner
from syncline.folded import Folded, Profile


@dataclass(frozen=True, slots=True)
class Change:
    """A function's weight for one request, in two profiles.

    Attributes:
        own: in the profile itself, by request.
        own_other: in the one it is compared with, by request; 0 where it was not seen.
    """

    name: str
    file: str
    owner: Owner
    own: float
    own_other: float

    @property
    def more(self) -> float:
        """How much heavier it is for one request; negative if it is lighter."""
        return self.own - self.own_other


def per_request(profile: Profile) -> Folded | None:
    """The stacks with their weights for one request; None if none was served."""
    if not profile.requests:
        return None
    tree = profile.folded
    own = tuple(weight / profile.requests for weight in tree.own)
    return Folded(tree.frames, tree.parents, tree.calls, own)


def changes(profile: Profile, other: Profile) -> tuple[Change, ...]:
    """Every function of either profile, the largest change first.

    Empty if one of them served nothing, or they measure different things: there is nothing to
    compare by then.
    """
    ours, theirs = per_request(profile), per_request(other)
    if ours is None or theirs is None or profile.measure != other.measure:
        return ()
    before = {(spot.name, spot.file): spot for spot in top(theirs)}
    after = {(spot.name, spot.file): spot for spot in top(ours)}
    found = []
    for key in {**before, **after}:
        spot = after.get(key) or before[key]
        own = after[key].own if key in after else 0.0
        own_other = before[key].own if key in before else 0.0
        if own or own_other:
            found.append(Change(spot.name, spot.file, spot.owner, own, own_other))
    return tuple(sorted(found, key=lambda one: (-abs(one.more), one.name, one.file)))
