"""Profiles put together, cut to size, and searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncline.folded import Folded, Frame

MOST_NODES = 6000


def merged(parts: Iterable[Folded]) -> Folded:
    """All stacks of all parts; equal ones add up."""
    return Folded.of(pair for part in parts for pair in part.stacks())


def pruned(folded: Folded, most_nodes: int = MOST_NODES) -> Folded:
    """At most so many nodes: the lightest branches are cut and their weight is their caller's.

    The total stays, and no node that is left is lighter than one that was cut.
    """
    if len(folded.own) <= most_nodes:
        return folded
    heavy = _with_callees(folded)
    # A caller weighs at least what it calls and stands before it, so the kept ones hang together.
    order = sorted(range(len(heavy)), key=lambda node: (-heavy[node], node))
    kept = dict.fromkeys(sorted(order[:most_nodes]), -1)
    for number, node in enumerate(kept):
        kept[node] = number
    own = [0.0] * len(kept)
    for node, weight in enumerate(folded.own):
        at = node
        while at not in kept and at >= 0:
            at = folded.parents[at]
        if at >= 0:
            own[kept[at]] += weight
    return Folded(
        folded.frames,
        tuple(kept.get(folded.parents[node], -1) for node in kept),
        tuple(folded.calls[node] for node in kept),
        tuple(own),
    )


def searched(folded: Folded, matches: Callable[[Frame], bool]) -> float:
    """The weight of the stacks that hold a frame of this kind."""
    return sum(weight for stack, weight in folded.stacks() if any(map(matches, stack)))


def _with_callees(folded: Folded) -> list[float]:
    total = list(folded.own)
    for node in range(len(total) - 1, -1, -1):
        parent = folded.parents[node]
        if parent >= 0:
            total[parent] += total[node]
    return total
