"""A flame graph as a table: the functions in which most of it was seen."""

from __future__ import annotations

from collections import Counter

from syncline.report.document import Cell, Column, Flame, Table

_ROWS = 10
Stacks = tuple[tuple[tuple[str, ...], int], ...]


def hottest(flame: Flame) -> Table:
    """The functions with the greatest share of their own; with a comparison, its share too."""
    own, within = _shares(flame.stacks)
    columns = [
        Column("function", align="left", shrinks=True, key=True),
        Column("own"),
        Column("total"),
    ]
    then = _shares(flame.against)[0] if flame.against is not None else None
    if then is not None:
        columns.append(Column("own, before"))
    ranked = sorted(own, key=lambda name: (-own[name], name))[:_ROWS]
    rows = []
    for name in ranked:
        row = [Cell(name, "code"), Cell(own[name], "share"), Cell(within[name], "share")]
        if then is not None:
            row.append(Cell(then.get(name, 0.0), "share"))
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows), flame.title)


def _shares(stacks: Stacks) -> tuple[dict[str, float], dict[str, float]]:
    """By function, the share of which it is the innermost frame, and of which it is a frame."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for frames, number in stacks:
        if frames:
            own[frames[-1]] += number
            for name in set(frames):
                within[name] += number
    total = sum(own.values()) or 1
    return (
        {name: number / total for name, number in own.items()},
        {name: number / total for name, number in within.items()},
    )
