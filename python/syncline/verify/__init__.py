"""Whether a finding's fix holds: the unmodified service with one thing changed, side by side.

For each root finding whose fix can be imposed, :func:`verification` asks for trials of the
original and of the fixed variant in turn (original, fixed, fixed, original, …), so that a drift
of the machine meets both, under the load at which it broke and under the next lighter one. From
the trials alone :func:`verified` says what the fix did, so a stored run says it again.
"""

from __future__ import annotations

from syncline.verify.design import DEFAULT, QUICK, Effort
from syncline.verify.search import proven, verification
from syncline.verify.verdict import verified

__all__ = ["DEFAULT", "QUICK", "Effort", "proven", "verification", "verified"]
