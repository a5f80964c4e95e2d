"""Whose fault it is that a trial's figures do not stand, and what a run is worth as a whole.

A hang or a flood of errors is a good measurement of a bad service; a saturated generator is a
bad measurement. Only the second makes a run worthless to whoever started it.
"""

from __future__ import annotations

from typing import Literal

from syncline.outcome import Outcome
from syncline.record import RunRecord
from syncline.trial import Case

Blame = Literal["nobody", "service", "measurement"]

GENERATOR_REASON = "generator saturated"
"""How those reasons begin that speak of the load generator."""

SERVICE_REASONS = ("errors dominate", "the service died")
"""How those reasons begin that speak of the service's own conduct under the load."""

OVERLOAD_REASON = "schedule not held"
"""How the reason begins that a rate was beyond what the service bears. Finding where that is is
what a sweep over rates is for, so nobody is to blame; the trial is marked invalid all the same."""


def blame(outcome: Outcome) -> Blame:
    """Who is to blame for a trial that is no plain measurement of a working service."""
    reasons = outcome.validity.reasons
    if outcome.result is None or any(text.startswith(GENERATOR_REASON) for text in reasons):
        return "measurement"
    if outcome.hang is not None:
        # What else such a trial is invalid for (Little's law, a steady rate) follows from it.
        return "service"
    if outcome.validity.status == "valid":
        return "nobody"
    others = [text for text in reasons if not text.startswith(OVERLOAD_REASON)]
    if not others:
        return "nobody"
    its_own = all(text.startswith(SERVICE_REASONS) for text in others)
    return "service" if its_own else "measurement"


def known_to_fail(record: RunRecord) -> frozenset[str]:
    """The variants whose failing under load is what the case shows."""
    return faulty_variants(record.case)


def faulty_variants(case: Case) -> frozenset[str]:
    """Those that the case names, and those that hung for the original's author."""
    hung = {item.variant for item in case.published if "hang" in item.note.lower()}
    return frozenset(hung | set(case.faulty))


def exit_code(record: RunRecord) -> int:
    """What ``syncline run`` returns for a run, by the exit codes of docs/architecture.md.

    Only trials of the sweep count: those of other phases answer questions of their own.

    3 if a trial is not valid through no fault of the service; else 1 if a variant hung, died,
    answered mostly with errors or has a finding of severity ``error``, and is not known to
    (:attr:`syncline.trial.Case.faulty`, or a hang that the original's author published); else 0.
    Interrupted runs return 130.
    """
    if record.status == "interrupted":
        return 130
    blames = {(trial.variant.name, blame(outcome)) for trial, outcome in record.of_phase("sweep")}
    if any(who == "measurement" for _, who in blames) or record.status == "failed":
        return 3
    known = known_to_fail(record)
    failed = {name for name, who in blames if who == "service"}
    failed |= {one.variant for one in record.findings if one.severity == "error"}
    return int(bool(failed - known))
