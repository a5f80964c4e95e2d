"""How a run was measured, on what, and all that is needed to run it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from syncline.outcome import Outcome
from syncline.plan import OpenLoop
from syncline.record import Environment, RunRecord
from syncline.report import units
from syncline.report.document import Code, Facts, Heading, Node, Points, Sentence
from syncline.report.levels import grid
from syncline.stats import A_START, rates, settling
from syncline.trial import Load, Trial


def method_nodes(record: RunRecord) -> Iterator[Node]:
    """A section of its own."""
    yield Heading("How it was measured")
    yield Facts(tuple((term, Sentence(text)) for term, text in _facts(record)))
    if record.command_line:
        yield Heading("To run it again", level=3)
        yield Code(shlex.join(record.command_line), "sh")
    notes = tuple(dict.fromkeys(_notes(record)))
    if notes:
        yield Heading("What must be known of it", level=3)
        yield Points(tuple(Sentence(note) for note in notes))


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    machine = record.environment
    yield "run", f"{record.id}, {record.status}, started {record.started}"
    if record.case.question:
        yield "question", record.case.question
    yield "purpose", record.purpose
    yield "trials", _trials(record)
    yield "loads", "; ".join(dict.fromkeys(_load(trial.load) for trial in record.planned))
    yield "variants", "; ".join(dict.fromkeys(_variants(record)))
    yield "machine", _machine(machine)
    yield "software", f"Syncline {machine.syncline}, {machine.python}"
    if machine.servers:
        yield "servers", _versions(machine.servers)
    if machine.libraries:
        yield "libraries", _versions(machine.libraries)
    if machine.commit:
        state = ", with uncommitted changes" if machine.dirty else ""
        yield "commit", f"{machine.commit}{state}"
    if record.case.source:
        yield "original", record.case.source


def _trials(record: RunRecord) -> str:
    cells = grid(record)
    each = max((len(cell.outcomes) for cell in cells.cells.values()), default=0)
    invalid = sum(outcome.validity.status == "invalid" for _, outcome in record.trials)
    repeats = f", up to {each} of each cell" if each > 1 else ", one of each cell"
    lost = f"; {invalid} not valid, shown and never averaged in" if invalid else ""
    return f"{len(record.trials)} of {len(record.planned)} planned{repeats}{lost}"


def _load(load: Load) -> str:
    kind = "open loop" if isinstance(load.schedule, OpenLoop) else "closed loop"
    warm = f" after {units.span(load.warmup_s)} of warm-up" if load.warmup_s else ""
    measured = units.span(load.duration_s - load.warmup_s)
    count = units.plural(load.connections, "connection")
    return f"{load.name}: {kind}, {count}, {measured} measured{warm}"


def _variants(record: RunRecord) -> Iterator[str]:
    for trial in record.planned:
        one = trial.variant
        title = f" ({one.title})" if one.title else ""
        how = f" on {one.server}, {units.plural(one.workers, 'worker')}" if one.app else ""
        yield f"{one.name}{title}{how}"


def _machine(machine: Environment) -> str:
    parts = [machine.cpu or "", units.plural(machine.cores, "core")]
    if machine.memory_bytes:
        parts.append(units.size(machine.memory_bytes))
    parts += [machine.system, f"kernel {machine.kernel}"]
    return ", ".join(part for part in parts if part)


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _start(trial: Trial, outcome: Outcome) -> str:
    """What a start that outlasted the warm-up did to the rate; empty without one."""
    result = outcome.result
    if result is None or outcome.hang is not None or isinstance(trial.load.schedule, OpenLoop):
        return ""
    measured = [one for one in result.intervals if not one.warmup]
    found = settling(rates(measured))
    # Where a third is not enough to settle, the diagnosis says that nothing settled.
    if found is None or not found.steady or not 0 < found.cut <= A_START * len(measured):
        return ""
    settled_s = measured[found.cut].start_s
    off = "high" if found.bias > 0 else "low"
    warm = trial.load.warmup_s
    since = f" and after the warm-up of {units.span(warm)}" if warm else ""
    return (
        f"settled {units.span(settled_s)} after the load's start, by its own series (MSER); what "
        f"came before that{since} makes its rate read {units.share(abs(found.bias))} too {off}."
    )


def _notes(record: RunRecord) -> Iterator[str]:
    """What observers could not see, and reasons why trials are not valid, each once."""
    for trial, outcome in record.trials:
        where = f"{trial.variant.name} at {units.plural(trial.load.connections, 'connection')}"
        for reason in outcome.validity.reasons:
            yield f"{where} is not valid: {reason}"
        if start := _start(trial, outcome):
            yield f"{where} {start}"
        for seen in outcome.observations:
            if seen.kind == "note":
                yield seen.text
