"""What the packages offer by name is there, is all, and says what it is."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "python"
PACKAGES = sorted(
    ".".join(path.parent.relative_to(PYTHON).parts) for path in PYTHON.rglob("__init__.py")
)


def _own(package: ModuleType) -> set[str]:
    """The package's own classes and functions that it gives away under a public name."""
    return {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and value.__module__.startswith(package.__name__)
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_lists_all_that_it_offers(name: str) -> None:
    package = importlib.import_module(name)
    listed = getattr(package, "__all__", [])
    assert len(listed) == len(set(listed)), "a name is listed twice"
    assert [entry for entry in listed if not hasattr(package, entry)] == []
    assert sorted(_own(package) - set(listed)) == []


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_and_what_it_offers_have_docstrings(name: str) -> None:
    package = importlib.import_module(name)
    assert inspect.getdoc(package), f"{name} has no docstring"
    for listed in getattr(package, "__all__", []):
        value = getattr(package, listed)
        if inspect.isclass(value) or inspect.isroutine(value):
            # A dataclass without a docstring gets its signature for one; that says nothing.
            text = value.__doc__ or ""
            assert text.strip(), f"{name}.{listed} has no docstring"
            assert not text.startswith(f"{listed}("), f"{name}.{listed} has no docstring"


def test_the_extension_is_what_its_stub_says() -> None:
    check = [sys.executable, "-m", "mypy.stubtest", "syncline._engine"]
    done = subprocess.run(
        [*check, "--mypy-config-file", str(ROOT / "pyproject.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
