"""What a profile says, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncline.flame.top import top, yours
from syncline.flame.waits import NO_WAITING, sites, waiting
from syncline.flame.whose import Owner, label
from syncline.folded import Frame, Profile, ProfileKind

_OWNERS: Mapping[Owner, str] = {
    "yours": "your code",
    "library": "libraries",
    "python": "Python and its library",
    "native": "native code",
    "probe": "the probe",
}


def reading(profile: Profile) -> str:
    """The one thing to know of the profile."""
    return _READINGS[profile.kind](profile)


def by_owner(profile: Profile) -> dict[Owner, float]:
    """The shares of the innermost functions, by whose they are, the largest first."""
    shares: dict[Owner, float] = {}
    for spot in top(profile.folded):
        shares[spot.owner] = shares.get(spot.owner, 0.0) + spot.own_share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _cpu(profile: Profile) -> str:
    cores = profile.facts.get("cpu_cores")
    if not profile.folded.total or cores is None:
        return "The service used no CPU that could be seen."
    parts = ", ".join(
        f"{share:.0%} in {_OWNERS[owner]}"
        for owner, share in by_owner(profile).items()
        if share >= 0.005
    )
    text = f"It used {cores:.2f} cores: {parts}."
    held, share = profile.facts.get("gil_held"), profile.facts.get("gil_share")
    if held is not None and share is not None:
        text += (
            f" The GIL was held {held:.0%} of the time, and {share:.0%} of the CPU time was spent "
            "holding it."
        )
    return text


def _allocations(profile: Profile) -> str:
    spots = top(profile.folded)
    if not spots:
        return "Nothing was allocated."
    mine = next(iter(yours(profile.folded).items()), None)
    first = spots[0]
    text = f"{first.own_share:.0%} is allocated by {label(Frame(first.name, first.file))}"
    if mine is not None and mine[0] != Frame(first.name, first.file):
        text += f"; {mine[1]:.0%} by {label(mine[0])} of your code and what it calls in libraries"
    return f"{text}."


def _waits(profile: Profile) -> str:
    who = "threads" if profile.kind == "lock" else "tasks"
    waited = {kind: s for kind, s in waiting(profile.folded).items() if kind not in NO_WAITING}
    if not sum(waited.values()):
        return f"No {who} waited for anything but work."
    first = sites(profile.folded)[0]
    text = f"{first.share:.0%} of the {who}' waiting time is in {label(first.site)}"
    if first.caller is not None and first.caller != first.site:
        text += f", most of it from {label(first.caller)}"
    mean = sum(waited.values()) / profile.duration_s if profile.duration_s else 0.0
    return f"{text}; {mean:.1f} {who} waited on the mean."


_READINGS: Mapping[ProfileKind, Callable[[Profile], str]] = {
    "cpu": _cpu,
    "alloc": _allocations,
    "lock": _waits,
    "await": _waits,
}
