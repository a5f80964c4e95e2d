"""Which pages there are, whole ones and parts between marks, and whether they are current."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from scripts.reference.commands import commands_page
from scripts.reference.findings import findings_page
from scripts.reference.schema import LOAD, RUN
from scripts.reference.values import values_page
from scripts.reference.what_ifs import what_ifs_table
from syncline.cli.config import schema_text
from syncline.config import reference as config_keys

ROOT = Path(__file__).parents[2]


def pages() -> Mapping[str, str]:
    """Every file that is generated, wholly or between marks, with the text it is to have."""
    return {
        "docs/reference/cli.md": commands_page(),
        "docs/reference/findings.md": findings_page(),
        "docs/reference/json.md": values_page(),
        "docs/schema/run.schema.json": _json(RUN),
        "docs/schema/load.schema.json": _json(LOAD),
        "docs/schema/syncline.schema.json": schema_text(),
        "docs/what-ifs.md": _between("docs/what-ifs.md", "what-ifs", what_ifs_table()),
        "docs/config.md": _between("docs/config.md", "keys", config_keys()),
    }


def outdated() -> list[str]:
    """The files that do not say what the code says."""
    return [name for name, text in pages().items() if _committed(name) != text]


def write() -> list[str]:
    """Write those that are outdated.

    Returns:
        their names.
    """
    changed = outdated()
    texts = pages()
    for name in changed:
        (ROOT / name).write_text(texts[name], encoding="utf-8")
    return changed


def _committed(name: str) -> str | None:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _between(name: str, mark: str, text: str) -> str:
    """The page with ``text`` between its marks, the rest as it stands.

    Raises:
        ValueError: the page has no such marks.
    """
    page = (ROOT / name).read_text(encoding="utf-8")
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    if not re.search(f"{re.escape(begin)}.*{re.escape(end)}", page, re.DOTALL):
        raise ValueError(f"{name} lacks the marks {begin.strip()} and {end}")
    head, _, rest = page.partition(begin)
    return head + begin + text + end + rest.partition(end)[2]
