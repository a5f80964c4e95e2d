"""The lock file pins what pyproject.toml asks for, every file by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements/dev.txt").read_text()
PINNED = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", LOCK, re.MULTILINE)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["cases"], *extras["dev"]]
    names = {_normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in asked}
    assert names <= {name for name, _ in PINNED}, "run 'make lock'"


def test_every_locked_file_has_a_hash() -> None:
    assert len(PINNED) > 20
    for entry in re.split(r"\n(?=[a-z])", LOCK):
        if "==" in entry:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
