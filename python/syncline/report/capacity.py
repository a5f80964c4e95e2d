"""What a search for capacities found, as a document: the answer, the steps, how it scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncline.capacity import Capacity, Step, figure, rate_words, sentence
from syncline.capacity.answer import bounds_of
from syncline.report import units
from syncline.report.document import (
    Cell,
    Column,
    Document,
    Heading,
    Node,
    Paragraph,
    Points,
    Sentence,
    Table,
    Tone,
    sentences,
)
from syncline.usl import FEWEST, FITS, Usl

_TONES: dict[str, Tone] = {"met": "good", "missed": "bad", "unknown": "warn"}


def build_capacity(found: Sequence[Capacity]) -> Document:
    """Everything that is to be said of a search, the answer first."""
    return Document(tuple(capacity_nodes(found)))


def capacity_nodes(found: Sequence[Capacity]) -> Iterator[Node]:
    """The same as nodes of a longer document."""
    if not found:
        yield sentences("No step was run, so there is nothing to say.")
        return
    yield Heading(f"Capacity: {found[0].objective}")
    yield Paragraph((Sentence(sentence(found), "strong"),))
    yield _answers(found)
    yield Points(tuple(Sentence(text) for one in found for text in _said(one)))
    for one in found:
        yield Heading(f"Steps of {one.variant}, by rate", 3)
        yield _steps(one)
    if any(one.levels for one in found):
        yield Heading("How it scales", 3)
        yield _levels(found)
        yield Points(tuple(Sentence(text) for one in found for text in _scaling(one)))
    yield sentences(
        "± holds the capacity with 95 % probability, from the steps' answers: the rate at which a "
        "window meets the objective as often as not. What differs from run to run of this machine "
        "is not in it.",
        tone="dim",
    )


def _answers(found: Sequence[Capacity]) -> Table:
    columns = (
        Column("variant", align="left", key=True),
        Column("req/s"),
        Column("95 % interval"),
        Column("steps"),
        Column("beyond, what gives out", align="left", shrinks=True),
    )
    return Table(
        columns,
        tuple(
            (
                Cell(one.variant),
                Cell(rate_words(one), tone="strong"),
                Cell(
                    f"{units.rate(one.interval[0])}–{units.rate(one.interval[1])}"
                    if one.interval
                    else None
                ),
                Cell(len(one.steps), "count"),
                Cell(one.limit.resource.rstrip(",") if one.limit else "not seen"),
            )
            for one in found
        ),
    )


def _said(one: Capacity) -> Iterator[str]:
    if one.limit is not None:
        yield (
            f"{one.variant} at {units.rate(one.limit.rate_rps)} req/s: {one.limit.evidence}"
            + (f" ('syncline explain {one.limit.code}')" if one.limit.code else "")
        )
    if one.at_least:
        yield f"{one.variant} met the objective at every rate that was tried."
    if spoilt := [step for step in one.steps if step.verdict == "unknown"]:
        yield (
            f"{units.plural(len(spoilt), 'step')} of {one.variant} could not be judged: "
            f"{spoilt[-1].why}."
        )
    if broken := [step for step in one.steps if step.restarted]:
        yield f"{one.variant} broke in {units.plural(len(broken), 'step')} and was started again."


def _steps(one: Capacity) -> Table:
    bounds = bounds_of(one.objective)
    columns = (
        Column("offered/s", key=True),
        Column("answered/s"),
        *(Column(bound.quantity) for bound in bounds),
        Column("", align="left"),
        Column("why", align="left", shrinks=True),
    )

    def row(step: Step) -> tuple[Cell, ...]:
        return (
            Cell(step.rate_rps, "rate"),
            Cell(step.throughput_rps, "rate"),
            *(
                Cell(None if value is None else figure(bound, value))
                for bound, value in zip(bounds, step.values, strict=True)
            ),
            Cell(step.verdict, tone=_TONES[step.verdict]),
            Cell(step.why, tone="dim"),
        )

    ranked = sorted(one.steps, key=lambda step: step.rate_rps)
    return Table(columns, tuple(row(step) for step in ranked))


def _levels(found: Sequence[Capacity]) -> Table:
    levels = sorted({point.connections for one in found for point in one.levels})
    columns = [Column("conns", key=True)]
    for one in found:
        columns += [Column("req/s", group=one.variant), Column("law", group=one.variant)]
    rows = []
    for level in levels:
        row = [Cell(level, "count")]
        for one in found:
            point = next((p for p in one.levels if p.connections == level), None)
            measured = point is not None and point.throughput_rps is not None
            if measured and point is not None:
                row.append(Cell(point.throughput_rps, "rate"))
            else:
                row.append(Cell("hang" if point and point.note == "hang" else None, tone="bad"))
            row.append(Cell(one.usl.at(level) if one.usl else None, "rate", tone="dim"))
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows))


def _scaling(one: Capacity) -> Iterator[str]:
    law = one.usl
    if law is None:
        yield (
            f"{one.variant}: fewer than {FEWEST} levels gave a figure, too few for the Universal "
            "Scalability Law."
        )
        return
    if not law.fits:
        yield (
            f"{one.variant}: the Universal Scalability Law does not describe these points (the "
            f"typical residual is {law.error:.0%} of their mean, over {FITS:.0%}); its figures "
            "are left out."
        )
        return
    yield (
        f"{one.variant}: one connection gets {units.rate(law.one_rps)} req/s; contention σ "
        f"{_parameter(law.contention, law.contention_interval)}, coherency κ "
        f"{_parameter(law.coherency, law.coherency_interval)} (95 % intervals)."
    )
    yield _knee(one, law)


def _knee(one: Capacity, law: Usl) -> str:
    highest = max((point.connections for point in one.levels), default=0)
    if law.knee is None or law.knee > highest:
        return f"{one.variant}: no knee up to {units.plural(highest, 'connection')}."
    text = f"{one.variant}: the knee is at about {law.knee:.2g} connections"
    if law.knee_interval is not None:
        text += f" ({law.knee_interval[0]:.2g} to {law.knee_interval[1]:.2g})"
    text += "; more of them mostly wait"
    if law.peak_level is not None and law.peak_level <= highest:
        text += f", and beyond {law.peak_level:.2g} throughput falls"
    return f"{text}."


def _parameter(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.2g} ({interval[0]:.2g} to {interval[1]:.2g})"
