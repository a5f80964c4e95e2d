"""Why a service bends: outcomes in, findings out.

Each rule looks for one cause in one trial, or in the trials of a run side by side, and names it
only on its own evidence. :mod:`syncline.diagnosis.weigh` says how the evidence that is there, and
that against, becomes a confidence; :mod:`syncline.diagnosis.order` which cause explains which
consequence. What was not observed counts for nothing either way: without a look inside, many
causes can still be told from the load's own result, and of the others only ``hang`` remains.
"""

from __future__ import annotations

from syncline.diagnosis.catalogue import CATALOGUE, Entry
from syncline.diagnosis.rules import diagnose

__all__ = ["CATALOGUE", "Entry", "diagnose"]
