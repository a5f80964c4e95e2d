"""Profiles as document nodes: a reading and a table of each, two variants against each other."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from syncline.flame import (
    Owner,
    changes,
    label,
    merged,
    per_request,
    place,
    pruned,
    reading,
    sites,
    speedscope,
    top,
    waits_only,
)
from syncline.folded import Folded, Measure, Profile
from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.report.document import (
    Attachment,
    Cell,
    Column,
    Document,
    Flame,
    Heading,
    Node,
    Note,
    Paragraph,
    Sentence,
    Table,
)
from syncline.trial import Trial

_ROWS = 10
_FLAME_NODES = 1500
_WHOSE: dict[Owner, str] = {
    "yours": "yours",
    "library": "library",
    "python": "Python",
    "native": "native",
    "probe": "probe",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """How a measure is shown: its name, and how many of its units a finer one has for people."""

    title: str
    unit: str
    scale: float


_LOOKS: dict[Measure, _Look] = {
    "cpu_s": _Look("CPU time", "µs", 1e6),
    "wait_s": _Look("Waiting time", "µs", 1e6),
    "bytes": _Look("Allocated bytes", "bytes", 1),
    "allocations": _Look("Number of allocations", "allocations", 1),
    "remaining_bytes": _Look("Bytes that were not freed by the end", "bytes", 1),
}
_TITLES = {"lock": "Where threads wait", "await": "Where tasks wait"}


def build_profiles(record: RunRecord, *, flames: bool = False) -> Document:
    """All profiles of a run, as a document of their own."""
    head = Heading(f"{record.case.name}: profiles under load", 1)
    return Document((head, *profile_nodes(record.of_phase("profile"), flames=flames)))


def profile_nodes(
    measured: Sequence[tuple[Trial, Outcome]], *, flames: bool = False
) -> tuple[Node, ...]:
    """The profiles of these trials, those of one measure together; the first variant's before.

    Args:
        flames: with flame graphs, for what can draw them.
    """
    found: dict[tuple[str, Measure], dict[str, Profile]] = {}
    stems: dict[tuple[str, Measure], dict[str, str]] = {}
    for trial, outcome in measured:
        for profile in outcome.profiles:
            key, name = (profile.kind, profile.measure), trial.variant.name
            found.setdefault(key, {})[name] = profile
            stems.setdefault(key, {})[name] = file_stem(trial, profile)
    nodes: list[Node] = []
    for (kind, measure), variants in found.items():
        nodes.append(Heading(_TITLES.get(kind, _LOOKS[measure].title)))
        for name, profile in variants.items():
            nodes += _one(name, profile)
        names = list(variants)
        for name in names[1:]:
            nodes += _compared((name, variants[name]), (names[0], variants[names[0]]))
        if flames:
            nodes += _flames(variants, stems[kind, measure])
    nodes += [
        Note("warn", f"{trial.variant.name}, {trial.about}: {reason}")
        for trial, outcome in measured
        for reason in outcome.validity.reasons
    ]
    return tuple(nodes)


def file_stem(trial: Trial, profile: Profile) -> str:
    """What the files of a profile are called, without their suffix."""
    parts = [trial.case, trial.variant.name, trial.about]
    if profile.kind == "alloc":
        parts.append(profile.measure.replace("_", "-"))
    return "-".join(parts).replace("/", "_")


def speedscope_text(profile: Profile, stem: str) -> str:
    """The whole profile as speedscope reads it."""
    return json.dumps(speedscope(profile.folded, name=stem, measure=profile.measure))


def _one(name: str, profile: Profile) -> Iterator[Node]:
    yield Heading(name, 3)
    yield Paragraph((Sentence(reading(profile), "strong"),))
    yield _wait_table(profile) if profile.measure == "wait_s" else _top_table(profile)
    for note in profile.notes:
        yield Note("info", note)
    if lost := profile.facts.get("lost_samples", 0.0):
        share = lost / (lost + profile.samples)
        if share > 0.02:
            yield Note("info", f"{share:.0%} of the samples could not be read and are missing.")


def _top_table(profile: Profile) -> Table:
    columns = (
        Column("function", align="left", shrinks=True, key=True),
        Column("file", align="left", shrinks=True),
        Column("whose", align="left"),
        Column("self"),
        Column("total"),
    )
    rows = tuple(
        (
            Cell(spot.name, "code", "strong" if spot.owner == "yours" else "normal"),
            Cell(place(spot.file), "code", "dim"),
            Cell(_WHOSE[spot.owner]),
            Cell(spot.own_share, "share"),
            Cell(spot.total_share, "share"),
        )
        for spot in top(profile.folded)[:_ROWS]
    )
    return Table(columns, rows)


def _wait_table(profile: Profile) -> Table:
    columns = (
        Column("waits in", align="left", shrinks=True, key=True),
        Column("for", align="left"),
        Column("from your", align="left", shrinks=True),
        Column("seconds"),
        Column("share"),
    )
    rows = tuple(
        (
            Cell(label(wait.site), "code"),
            Cell(wait.kind),
            Cell(label(wait.caller) if wait.caller else None, "code"),
            Cell(f"{wait.seconds:.2f}"),
            Cell(wait.share or None, "share"),
        )
        for wait in sites(profile.folded)[:_ROWS]
    )
    return Table(columns, rows)


def _compared(one: tuple[str, Profile], other: tuple[str, Profile]) -> Iterator[Node]:
    look = _LOOKS[one[1].measure]
    if one[1].measure == "wait_s":
        one, other = _waits(*one), _waits(*other)
    found = changes(one[1], other[1])
    if not found:
        yield Note("info", f"{one[0]} and {other[0]} cannot be compared: one answered nothing.")
        return
    yield Heading(f"{one[0]} against {other[0]}, for one request", 3)
    columns = (
        Column("function", align="left", shrinks=True, key=True),
        Column("file", align="left", shrinks=True),
        Column("whose", align="left"),
        Column(f"{other[0]}, {look.unit}"),
        Column(f"{one[0]}, {look.unit}"),
        Column("change"),
    )
    rows = tuple(
        (
            Cell(change.name, "code"),
            Cell(place(change.file), "code", "dim"),
            Cell(_WHOSE[change.owner]),
            Cell(_figure(change.own_other * look.scale)),
            Cell(_figure(change.own * look.scale)),
            Cell(f"{'+' if change.more > 0 else ''}{_figure(change.more * look.scale)}"),
        )
        for change in found[:_ROWS]
    )
    ours, theirs = per_request(one[1]), per_request(other[1])
    if ours is not None and theirs is not None:
        text = (
            f"{look.title} for one request: {_figure(ours.total * look.scale)} {look.unit} in "
            f"{one[0]}, {_figure(theirs.total * look.scale)} in {other[0]}."
        )
        yield Paragraph((Sentence(text, "strong"),))
    yield Table(columns, rows)


def _waits(name: str, profile: Profile) -> tuple[str, Profile]:
    return name, replace(profile, folded=waits_only(profile.folded))


def _flames(variants: Mapping[str, Profile], stems: Mapping[str, str]) -> Iterator[Node]:
    names = list(variants)
    look = _LOOKS[variants[names[0]].measure]
    for name, profile in variants.items():
        title = f"{look.title}: {name}"
        whole = _attached(profile, stems[name])
        yield Flame(title, _stacks(profile, look), unit=look.unit, whole=whole)
    for name in names[1:]:
        yield Flame(
            f"{look.title}: {name} against {names[0]}",
            _stacks(variants[name], look),
            _stacks(variants[names[0]], look),
            unit=look.unit,
        )


def _attached(profile: Profile, stem: str) -> Attachment:
    # Without a time in its head: the same profile makes the same page.
    content = gzip.compress(speedscope_text(profile, stem).encode(), mtime=0)
    return Attachment(f"{stem}.speedscope.json.gz", "application/gzip", content)


def _stacks(profile: Profile, look: _Look) -> tuple[tuple[tuple[str, ...], int], ...]:
    tree = waits_only(profile.folded) if profile.measure == "wait_s" else profile.folded
    by_function = merged([_without_lines(tree)])
    return tuple(
        (tuple(map(label, stack)), round(weight * look.scale))
        for stack, weight in pruned(by_function, _FLAME_NODES).stacks()
        if round(weight * look.scale)
    )


def _without_lines(folded: Folded) -> Folded:
    frames = tuple(replace(frame, line=0) for frame in folded.frames)
    return replace(folded, frames=frames)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
