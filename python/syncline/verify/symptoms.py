"""What one trial says: whether the service broke, whether a finding shows, whether it counts."""

from __future__ import annotations

from syncline.diagnosis import diagnose
from syncline.finding import Finding
from syncline.judge import blame
from syncline.objective import measure
from syncline.outcome import LoadResult, Outcome
from syncline.trial import Trial

_MOST_OF_IT = 0.5
_FAILING = 0.05


def broke(outcome: Outcome) -> bool:
    """Whether the service hung, died, or failed more than one request in twenty.

    The trials of a verification are short: a silence up to the end counts if it filled half of
    one, even where it is too short to be called a hang.
    """
    if not counts(outcome):
        return False
    if outcome.hang is not None or blame(outcome) == "service":
        return True
    result = outcome.result
    if result is None:
        return False
    if errors(result) > _FAILING:
        return True
    if result.silence is None or not result.silence.until_end:
        return False
    return result.silence.longest_s >= _MOST_OF_IT * result.duration_s


def errors(result: LoadResult) -> float:
    """The share of the requests that ended which failed or timed out; 0 if none ended."""
    return measure("errors", result) or 0.0


def shows(finding: Finding, trial: Trial, outcome: Outcome) -> bool:
    """Whether the finding is seen in this trial on its own, be it as a consequence."""
    found = diagnose(((trial, outcome),))
    return any(finding.code == one.code or finding.code in one.consequences for one in found)


def counts(outcome: Outcome) -> bool:
    """Whether the trial is a measurement of the service, be it a bad one."""
    return blame(outcome) != "measurement"


def why_not(outcome: Outcome) -> str:
    """Why a trial does not count, in words."""
    return outcome.validity.reasons[0] if outcome.validity.reasons else "no load was run"
