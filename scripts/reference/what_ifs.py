"""The table of what can be imposed, from the catalogue of what-ifs."""

from __future__ import annotations

from scripts.reference.markdown import prose, table
from syncline.whatif.catalogue import CATALOGUE


def what_ifs_table() -> str:
    """Every setting with its values, what a service has without it, and who imposes it."""
    return table(
        ("name", "sets", "values", "where nobody sets it", "by"),
        (
            (f"`{one.name}`", prose(one.meaning), prose(one.values), prose(one.usual), one.by)
            for one in CATALOGUE.values()
        ),
    )
