"""Every code that a diagnosis may name, explained once for all outputs."""

from __future__ import annotations

from collections.abc import Mapping

from syncline.diagnosis.catalogue.data import ENTRIES as _DATA
from syncline.diagnosis.catalogue.entry import Entry
from syncline.diagnosis.catalogue.outside import ENTRIES as _OUTSIDE
from syncline.diagnosis.catalogue.pools import ENTRIES as _POOLS
from syncline.diagnosis.catalogue.runtime import ENTRIES as _RUNTIME
from syncline.finding import Code

__all__ = ["CATALOGUE", "Entry"]

CATALOGUE: Mapping[Code, Entry] = {
    entry.code: entry for entry in (*_POOLS, *_RUNTIME, *_DATA, *_OUTSIDE)
}
