"""The imports of the code go in the direction that docs/architecture.md gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.layers import breaches

PYTHON = Path(__file__).parents[2] / "python"


def test_no_module_imports_against_the_direction() -> None:
    assert breaches(PYTHON) == []


def test_the_checker_sees_the_modules_that_there_are(tmp_path: Path) -> None:
    for path in PYTHON.rglob("*.py"):
        copy = tmp_path / path.relative_to(PYTHON)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    errors = tmp_path / "syncline/errors.py"
    errors.write_text(errors.read_text(encoding="utf-8") + "\nimport syncline.plan\n")
    assert any("circle" in text and "syncline.plan" in text for text in breaches(tmp_path))


GOOD = {
    "syncline/__init__.py": "from syncline.engine import load\n__version__ = '1'\n",
    "syncline/errors.py": "import enum\n",
    "syncline/plan.py": "from syncline.errors import PlanError\n",
    "syncline/stats.py": "import math\nfrom syncline import plan\n",
    "syncline/process/__init__.py": "import psutil\nfrom . import tree\n",
    "syncline/process/tree.py": "from ..errors import X\n",
    "syncline/engine.py": "from syncline import _engine\nfrom syncline.plan import Plan\n",
    "syncline/launch/__init__.py": "from syncline.process import start\n",
    "syncline/store.py": "import sqlalchemy\n",
    "syncline/experiment.py": "from syncline import engine, launch, store\n",
    "syncline/report/__init__.py": "from syncline.stats import mean\n",
    "syncline/cli/__init__.py": "from syncline import __version__, report\nimport syncline_cases\n",
    "syncline_probe/__init__.py": "import json\nfrom syncline_probe import hooks\n",
    "syncline_probe/hooks.py": "import threading\n",
    "syncline_cases/__init__.py": "import fastapi\nfrom syncline.trial import Case\n",
}


def test_a_good_tree_has_no_breach(tmp_path: Path) -> None:
    assert _breaches_with(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        pytest.param("syncline/store.py", "import syncline.cli", "above", id="upwards"),
        pytest.param("syncline/store.py", "from syncline import report", "above", id="from-root"),
        pytest.param("syncline/store.py", "from . import report", "above", id="relative"),
        pytest.param("syncline/report/__init__.py", "from ..cli import x", "above", id="parent"),
        pytest.param(
            "syncline/store.py", "def f():\n    from syncline.cli import x", "above", id="function"
        ),
        pytest.param(
            "syncline/store.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import syncline.cli",
            "above",
            id="type-checking",
        ),
        pytest.param(
            "syncline/store.py",
            "import importlib\nimportlib.import_module('syncline.cli')",
            "above",
            id="by-name",
        ),
        pytest.param("syncline/store.py", "import syncline.launch", "siblings", id="siblings"),
        pytest.param("syncline/store.py", "import syncline", "above", id="the-facade"),
        pytest.param("syncline/store.py", "import syncline.process", "only", id="not-its-users"),
        pytest.param("syncline/store.py", "from syncline import _engine", "only", id="extension"),
        pytest.param("syncline/store.py", "import syncline_cases", "only", id="cases-from-below"),
        pytest.param("syncline/errors.py", "import rich", "standard library", id="value-imports"),
        pytest.param("syncline/errors.py", "import syncline.stats", "above", id="value-upwards"),
        pytest.param("syncline/stats.py", "import socket", "pure", id="pure-with-effects"),
        pytest.param("syncline/errors.py", "import syncline.plan", "circle", id="circle"),
        pytest.param("syncline/novel.py", "", "no place", id="unknown-module"),
        pytest.param("syncline/novel/deep.py", "", "no place", id="unknown-package"),
        pytest.param("syncline_probe/hooks.py", "import rich", "standard library", id="probe"),
        pytest.param(
            "syncline_probe/hooks.py", "import syncline.errors", "standard library", id="probe-home"
        ),
        pytest.param("syncline_cases/__init__.py", "import syncline.store", "values", id="case"),
        pytest.param(
            "syncline_cases/__init__.py", "import syncline_probe", "probe", id="case-probe"
        ),
    ],
)
def test_a_planted_breach_is_found(tmp_path: Path, path: str, source: str, said: str) -> None:
    found = _breaches_with(tmp_path, {path: source})
    assert any(said in text for text in found), found


def _breaches_with(root: Path, planted: dict[str, str]) -> list[str]:
    for path, source in (GOOD | planted).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(source, encoding="utf-8")
    return breaches(root)
