"""The lock file pins what pyproject.toml asks for, every file by its hash."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements/dev.txt").read_text()
PINNED = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", LOCK, re.MULTILINE)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    locked = ("cases", "dev", "parquet", "profile", "ray", "wrk")
    asked = [*project["dependencies"], *(one for extra in locked for one in extras[extra])]
    names = {_normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in asked}
    assert names <= {name for name, _ in PINNED}, "run 'make lock'"


def test_every_locked_file_has_a_hash() -> None:
    assert len(PINNED) > 20
    for entry in re.split(r"\n(?=[a-z])", LOCK):
        if "==" in entry:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_everything_that_the_code_imports_is_locked() -> None:
    """What happens to be installed at one desk is missing on the next machine."""
    distributions = packages_distributions()
    locked = {name for name, _ in PINNED} | {"syncline"}
    lacking = {
        f"{path.relative_to(ROOT)} imports {module}"
        for folder in ("python", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for module in _imported(path)
        if not any(_normal(name) in locked for name in distributions.get(module, ["syncline"]))
    }
    assert sorted(lacking) == [], "name it in pyproject.toml and run 'make lock'"


def _imported(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                modules |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                modules.add(module.partition(".")[0])
    return modules - sys.stdlib_module_names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
