"""What happens in a run as small JSON values: for a page that shows it while it goes on.

Each value has a ``kind`` and only words and figures to be shown. An outcome with its histograms
would be some hundred kilobytes for a line of a list, so these are not the events themselves.
"""

from __future__ import annotations

from typing import Any

from syncline import events
from syncline.mask import mask
from syncline.outcome import Outcome
from syncline.report.levels import trial_words
from syncline.report.live_run import outcome_words
from syncline.trial import Trial

Told = dict[str, Any]

# What moving charts are drawn of, by the names that observers give.
_SEEN = {
    "pool": ("probe.pool_checked_out", 1.0),
    "pool_limit": ("probe.pool_limit", 1.0),
    "threads": ("probe.limiter_borrowed", 1.0),
    "threads_limit": ("probe.limiter_tokens", 1.0),
    "lag_us": ("probe.loop_lag_max_ms", 1000.0),
    "rss_bytes": ("process.rss_bytes", 1.0),
    "cores": ("process.cpu_cores", 1.0),
}


def told(event: events.Event) -> Told:
    """The event as JSON data."""
    match event:
        case events.RunStarted():
            return {
                "kind": "run",
                "id": event.id,
                "case": event.case.name,
                "title": event.case.title,
                "total": len(event.experiment.trials),
                "eta_s": event.eta_s,
            }
        case events.PhaseStarted():
            text = event.experiment.purpose
            return {"kind": "phase", "text": text, "total": event.total, "eta_s": event.eta_s}
        case events.BackendStarting(name=name, shown_url=url):
            return _doing(f"connecting to {mask(url)}" if url else f"starting {name}")
        case events.DatabasePreparing():
            return _doing("preparing the database")
        case events.ServiceStarting(variant=variant, again=again, reason=reason):
            verb = "restarting" if again else "starting"
            return _doing(f"{verb} {variant.name}{f': {reason}' if reason else ''}")
        case events.TrialStarted():
            return {
                "kind": "trial",
                "index": event.index,
                "total": event.total,
                "text": trial_words(event.trial),
                "eta_s": event.eta_s,
            }
        case events.TrialProgress():
            return _progress(event)
        case events.TrialFinished():
            done = told_trial(event.index, event.total, event.trial, event.outcome)
            return {**done, "eta_s": event.eta_s}
        case events.Note(text=text):
            return {"kind": "note", "text": text}
        case events.RunEnded(status=status, done=done_trials):
            return {"kind": "end", "status": status, "done": done_trials}


def told_trial(index: int, total: int, trial: Trial, outcome: Outcome) -> Told:
    """A finished trial in words."""
    text, style = outcome_words(outcome)
    tone = {"red": "bad", "yellow": "warn"}.get(style, "normal")
    words = trial_words(trial)
    return {
        "kind": "done",
        "index": index,
        "total": total,
        "trial": words,
        "text": text,
        "tone": tone,
    }


def _doing(text: str) -> Told:
    return {"kind": "doing", "text": text}


def _progress(event: events.TrialProgress) -> Told:
    now = event.progress
    return {
        "kind": "progress",
        "t": now.elapsed_s,
        "warmup": now.warmup,
        "rate": now.rate_rps,
        "p50_us": now.p50_us,
        "p99_us": now.p99_us,
        "in_flight": now.in_flight,
        "ok": now.ok,
        "failed": now.failed + now.timed_out,
        **{
            name: event.seen[source] * scale
            for name, (source, scale) in _SEEN.items()
            if source in event.seen
        },
    }
