"""The answer of a run in two sentences: what happened and why, and what to do or what leads."""

from __future__ import annotations

from syncline.finding import Finding, Fix
from syncline.record import RunRecord
from syncline.report import units
from syncline.report.levels import Grid
from syncline.report.original import Original
from syncline.report.proof import proof_sentences
from syncline.report.verdicts import verdicts


def root_of(record: RunRecord) -> Finding | None:
    """The gravest finding; none if there is nothing worse than a hint."""
    grave = (one for one in record.findings if one.severity in ("error", "warning"))
    return next(grave, None)


def answer(record: RunRecord, cells: Grid, original: Original) -> tuple[str, str]:
    """Two sentences for who reads no further; the second may be empty."""
    said = (*verdicts(record, cells, original), "")
    root = root_of(record)
    if root is None:
        healthy = [one for one in record.findings if one.code == "healthy"]
        return said[0], healthy[0].summary if healthy else ""
    return (
        f"{root.variant} bends at {units.plural(root.level, 'connection')} "
        f"({root.code}): {_lowered(first_sentence(root.summary))}",
        _remedy(root) or said[0],
    )


def what_if_words(fix: Fix) -> str:
    """The settings that impose it: ``max_overflow=0 and pool_size=15``; empty if none can."""
    return units.listed(
        tuple(f"{name}={value}" for name, value in sorted((fix.what_if or {}).items()))
    )


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    head, stop, _ = text.partition(". ")
    return head + "." if stop else text


def _remedy(root: Finding) -> str:
    if root.fix is None:
        return ""
    if root.verification is not None:
        return next(proof_sentences(root.verification)).text
    kind = "What cures it" if root.fix.cures else "What moves the bound, without curing it"
    return f"{kind}: {_lowered(first_sentence(root.fix.edit))}"


def _lowered(text: str) -> str:
    """Without the capital of a sentence's first word; names and acronyms keep theirs."""
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first[1:].islower() or len(first) == 1 else text
