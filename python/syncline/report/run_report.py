"""The whole report of a run, from its record alone: for the page, Markdown and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncline.finding import Evidence, Finding
from syncline.record import RunRecord
from syncline.report import units
from syncline.report.answer import answer, root_of
from syncline.report.comparison import opening_nodes, said_nodes, table_nodes
from syncline.report.curves import load_charts, percentile_chart
from syncline.report.document import (
    Document,
    FindingBlock,
    Heading,
    Node,
    Paragraph,
    Sentence,
    Timeline,
    sentences,
)
from syncline.report.findings import finding_nodes
from syncline.report.graphics import Place, Strip
from syncline.report.levels import grid, state_of
from syncline.report.method import method_nodes
from syncline.report.original import Original
from syncline.report.profiles import profile_nodes
from syncline.report.served import census_of
from syncline.report.strips import strips_of
from syncline.report.tracks import strip_words


@dataclass(frozen=True, slots=True)
class _Trials:
    """The trials of a run as a document shows them."""

    strips: tuple[Strip, ...]
    keys: frozenset[str]
    by_cell: dict[tuple[str, int], str]

    def place(self, finding: Finding, evidence: Evidence | None = None) -> Place | None:
        """Where to look for a finding, or for a piece of its evidence that has an instant."""
        key: str | None = finding.trial
        if key not in self.keys:  # a finding that an older version stored
            key = self.by_cell.get((finding.variant, finding.level))
        if key is None:
            return None
        if evidence is None:
            return Place(key)
        return None if evidence.at_s is None else Place(key, max(0.0, evidence.at_s))


def build_report(record: RunRecord) -> Document:
    """Everything that is to be said of a run, most important first."""
    return Document(tuple(_nodes(record)))


def _nodes(record: RunRecord) -> Iterator[Node]:
    yield from opening_nodes(record)
    cells = grid(record)
    if not cells.levels:
        yield from profile_nodes(record.of_phase("profile"), flames=True)
        return
    original = Original.of(record.case)
    trials = _trials(record)
    root = root_of(record)
    first, second = answer(record, cells, original)
    yield Paragraph((Sentence(first, "strong"), *([Sentence(second)] if second else [])))
    if root is not None:
        yield Heading("Root cause")
        yield _block(root, trials, is_root=True)
    yield Heading("Under load")
    yield from load_charts(cells, original)
    yield from table_nodes(record, cells, original)
    if (chart := percentile_chart(cells)) is not None:
        yield Heading("How latency spreads")
        yield chart
    yield from said_nodes(record, cells, original)
    yield from _over_time(record, trials, root)
    others = tuple(one for one in record.findings if one is not root)
    if others:
        yield Heading("What else was found" if root is not None else "What was found")
        for one in others:
            yield _block(one, trials, is_root=False)
    yield from profile_nodes(record.of_phase("profile"), flames=True)
    yield from method_nodes(record)


def _trials(record: RunRecord) -> _Trials:
    by_cell: dict[tuple[str, int], str] = {}
    # A profiler's cost is in all that was seen beside it.
    plain = tuple(pair for pair in record.trials if pair[0].phase != "profile")
    for trial, outcome in plain:
        if outcome.result or outcome.series:
            by_cell.setdefault((trial.variant.name, trial.load.connections), trial.identity)
    strips = strips_of(plain)
    keys = frozenset(one.key for one in strips)
    return _Trials(strips, keys, {cell: key for cell, key in by_cell.items() if key in keys})


def _block(finding: Finding, trials: _Trials, *, is_root: bool) -> FindingBlock:
    return FindingBlock(
        finding,
        root=is_root,
        trial=trials.place(finding),
        places=tuple(trials.place(finding, one) for one in (*finding.evidence, *finding.against)),
        instead=tuple(finding_nodes(finding)),
    )


def _over_time(record: RunRecord, trials: _Trials, root: Finding | None) -> Iterator[Node]:
    if trials.strips:
        chosen = _chosen(record, trials, root)
        strip = trials.strips[chosen]
        yield Heading("A trial over time")
        yield Timeline(
            "What was seen, second by second",
            trials.strips,
            chosen,
            "All panels share one time axis: seconds since the load began.",
            (
                sentences(f"{strip.label}, over {units.span(strip.length_s)}:", tone="dim"),
                *strip_words(strip),
            ),
        )
    census = census_of(record.trials)
    if census is not None:
        yield Heading("Connections")
        yield census


def _chosen(record: RunRecord, trials: _Trials, root: Finding | None) -> int:
    """The trial that shows the root; else one that hung; else the last, which is the heaviest."""
    keys = [strip.key for strip in trials.strips]
    place = trials.place(root) if root is not None else None
    if place is not None:
        return keys.index(place.strip)
    for trial, outcome in record.trials:
        if state_of(outcome) in ("hang", "dead") and trial.identity in keys:
            return keys.index(trial.identity)
    return len(keys) - 1
