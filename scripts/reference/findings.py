"""The page of findings, from the catalogue of the diagnosis."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.reference.markdown import GENERATED, bullets, prose, table
from syncline.diagnosis import CATALOGUE
from syncline.diagnosis.catalogue import Entry

HEAD = """# Findings

A finding names a root cause by a code. A code never changes its meaning, so that CI can be gated on
it (`syncline check --objective 'no finding pool-deadlock'`). `syncline explain CODE` says the same
in the terminal; [how a diagnosis is made](../explanation/diagnosis.md) tells how it gets to one.

"""


def findings_page() -> str:
    """Every code: what it means, why, by what it is known, what helps and what does not."""
    index = table(
        ("code", "says"),
        ((f"[`{code}`](#{code})", prose(entry.meaning)) for code, entry in CATALOGUE.items()),
    )
    return GENERATED + HEAD + index + "".join(_section(one) for one in CATALOGUE.values())


def _section(entry: Entry) -> str:
    return (
        f"\n## {entry.code}\n\n{prose(entry.meaning)}\n\n{prose(entry.mechanism)}\n"
        + _list("What must be seen", entry.evidence)
        + _list("What helps", entry.remedies)
        + _list("What does not cure it", entry.not_cures)
        + _list("Sources", entry.sources)
    )


def _list(title: str, items: Iterable[str]) -> str:
    text = bullets(items)
    return f"\n**{title}**\n\n{text}" if text else ""
