"""From signs to a finding with an earned confidence.

Each sign that was seen has a weight ``w``: how sure one may be of the cause if it were the only
one. Signs that speak for a cause are taken as independent, and those that speak against it
discount what they came to:

    confidence = (1 - product of (1 - w) over the signs for) * product of (1 - w) over those against

So missing evidence adds nothing, two half-sure signs make three quarters, and one strong
contradiction takes most of it away. A cause that is less likely than not is not named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from syncline.diagnosis.catalogue import CATALOGUE
from syncline.diagnosis.view import View
from syncline.finding import Code, Evidence, Finding, Fix, Severity

LEAST = 0.5
"""A cause below this confidence is withheld."""
MOST = 0.99
"""Nothing is certain."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that was seen, and how much it says."""

    weight: float
    evidence: Evidence


def sign(
    weight: float,
    metric: str,
    value: float | str | None,
    threshold: float | str | None = None,
    at_s: float | None = None,
    observer: str = "load",
) -> Sign:
    """A sign with its evidence."""
    rounded = round(value, 4) if isinstance(value, float) else value
    return Sign(weight, Evidence(metric, rounded, threshold, at_s, observer))


def confidence(signs: Iterable[Sign], against: Iterable[Sign] = ()) -> float:
    """See the module's formula."""
    doubt = math.prod(1 - one.weight for one in signs)
    kept = math.prod(1 - one.weight for one in against)
    return round(min(MOST, (1 - doubt) * kept), 2)


def conclude(
    view: View,
    code: Code,
    severity: Severity,
    summary: str,
    *,
    signs: Iterable[Sign | None],
    against: Iterable[Sign | None] = (),
    fix: Fix | None = None,
) -> Finding | None:
    """The finding; None if it is less likely than not."""
    pro = [one for one in signs if one is not None]
    contra = [one for one in against if one is not None]
    sure = confidence(pro, contra)
    if sure < LEAST:
        return None
    return Finding(
        code=code,
        severity=severity,
        confidence=sure,
        variant=view.variant,
        level=view.level,
        summary=summary,
        mechanism=CATALOGUE[code].mechanism,
        evidence=tuple(one.evidence for one in pro),
        against=tuple(one.evidence for one in contra),
        fix=fix,
        load=view.trial.load.name,
        trial=view.trial.identity,
    )
