"""Rules about the life of the service: it answers with errors, hangs, or dies."""

from __future__ import annotations

import re

from syncline.diagnosis import names
from syncline.diagnosis.facts import cpu_busy, died, own_place, stuck
from syncline.diagnosis.view import View, number
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding, Fix

_LINE = 200
_SURE_S = 2.0
_COMPLAINT = re.compile("error|critical|fatal|exception", re.IGNORECASE)


def errors_dominate(view: View) -> Finding | None:
    """More than half of what ended was no answer."""
    result = view.result
    failed = result.failed
    if not failed or 2 * (failed + result.timed_out) <= view.ended or failed < result.timed_out:
        return None
    samples = sorted(result.error_samples, key=lambda one: (-one.count, one.kind))
    first = samples[0] if samples else None
    return conclude(
        view,
        "errors-dominate",
        "error",
        f"{failed} of {view.ended} requests failed"
        + (f", most with {first.kind}: {first.sample[:_LINE]!r}." if first else "."),
        signs=[
            sign(0.95, "failed requests, share", failed / view.ended, 0.5),
            sign(0.2, f"first {first.kind}", first.sample[:_LINE], None, first.first_s)
            if first
            else None,
        ],
        fix=Fix("Look at the first error, make the request succeed, then measure."),
    )


def hang(view: View) -> Finding | None:
    """Answers stopped; what for is not said here."""
    if not stuck(view) or died(view):
        return None
    silence = view.outcome.hang or view.result.silence
    waiting = view.result.in_flight + view.result.timed_out
    since = (
        "No answers at all"
        if silence is None or silence.from_s < 0.0005
        else (f"No answers from {figure(silence.from_s)} s on")
    )
    lasted = f", for {figure(silence.longest_s)} s" if silence is not None else ""
    signs: list[Sign | None] = [
        sign(0.9, "time without an answer, s", silence.longest_s, None, silence.from_s)
        if silence is not None
        else sign(0.8, "answers", 0, 1),
        sign(0.3, "requests without an answer", waiting, 0) if waiting else None,
        *_standing(view),
    ]
    # In so short a silence a busy service may as well be slow: its first answers are not due yet.
    slow = silence is not None and silence.longest_s < _SURE_S
    return conclude(
        view,
        "hang",
        "error",
        f"{since}{lasted}, with {waiting} requests waiting. The cause is not explained"
        + (" by what was seen." if view.outcome.series else ": nobody looked inside."),
        signs=signs,
        against=[cpu_busy(view, 0.6)] if slow else [],
        fix=Fix("Look at where the threads and tasks stand."),
    )


def crash(view: View) -> Finding | None:
    """The service ended during the load."""
    if not died(view):
        return None
    status, log = view.outcome.service.status, view.outcome.service.log_tail.strip()
    said = next((r for r in view.outcome.validity.reasons if r.startswith("the service died")), "")
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    signs = [
        sign(0.95, "exit", how, None, None, "process") if status is not None else None,
        sign(0.7, "connections", said) if said else None,
        *_last_words(log),
    ]
    return conclude(
        view,
        "crash",
        "error",
        "The service died under the load"
        + (
            f", by {how}."
            if status is not None and status < 0
            else f", with {how}."
            if status is not None
            else "."
        ),
        signs=signs,
        fix=Fix("Read the last lines of its log; signal 9 without a sender is want of memory."),
    )


def _last_words(log: str) -> list[Sign]:
    """Its log's last complaint, where it has one further up, and the last line."""
    lines = log.splitlines()
    if not lines:
        return []
    found = [sign(0.2, "last line of its log", lines[-1][:_LINE], None, None, "log")]
    complaint = next((line for line in reversed(lines) if _COMPLAINT.search(line)), lines[-1])
    if complaint is not lines[-1]:
        found.insert(0, sign(0.1, "last error in its log", complaint[:_LINE], None, None, "log"))
    return found


def _standing(view: View) -> list[Sign]:
    """The two places where most threads and tasks stand."""
    groups = [
        (int(number(group, "count") or 0), place)
        for data in view.rows(names.STACKS)[-1:]
        for kind in ("threads", "tasks")
        if isinstance(found := data.get(kind), list)
        for group in found
        if isinstance(group, dict) and (place := own_place(group.get("stack")))
    ]
    ranked = sorted(groups, key=lambda one: (-one[0], one[1]))
    return [
        sign(0.05, f"standing in {place}", count, None, None, "probe")
        for count, place in ranked[:2]
    ]
