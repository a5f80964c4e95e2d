"""Syncline installs into a clean environment, as a wheel and from its sources.

Both builds share the repository's cargo target folder, so that they compile what has changed.
The dependencies come from the package index, as they do for a user.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import syncline

ROOT = Path(__file__).parents[2]
SLOW = pytest.mark.timeout(420)


@SLOW
def test_a_wheel_installs_and_runs_without_the_repository(tmp_path: Path) -> None:
    _run([sys.executable, "-m", "maturin", "build", "--release", "--locked", "--out", tmp_path])
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp311-abi3-" in wheel.name, "one wheel serves every Python from 3.11 on"
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"syncline/py.typed", "syncline_probe/py.typed", "syncline_cases/py.typed"} <= names
    assert {"syncline/_engine.abi3.so", "syncline/_engine.pyi"} <= names
    page = {f"syncline/report/html/{name}" for name in ("assets/main.js", "vendor/uplot.min.js")}
    assert page | {"syncline/web/assets/live.js", "syncline/web/assets/web.css"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    _installs_and_runs(tmp_path, [wheel])


@SLOW
def test_pip_installs_the_sources(tmp_path: Path) -> None:
    _installs_and_runs(tmp_path, [ROOT])


def _installs_and_runs(folder: Path, what: list[Path]) -> None:
    home = folder / "venv"
    venv.create(home, with_pip=True)
    _run([home / "bin/python", "-m", "pip", "install", "--quiet", "--retries", "10", *what])
    version = _run([home / "bin/syncline", "--version"], cwd=folder)
    assert syncline.__version__ in version
    code = (
        "import syncline, syncline._engine, syncline_cases, syncline_probe;"
        "print(*(m.__file__ for m in (syncline, syncline._engine, syncline_cases)), sep='\\n')"
    )
    files = _run([home / "bin/python", "-c", code], cwd=folder).splitlines()
    assert all(file.startswith(str(home)) for file in files), files


def _run(argv: Sequence[str | Path], cwd: Path = ROOT) -> str:
    # Without what would lead a clean environment back to this one.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CI")}
    env["CARGO_TARGET_DIR"] = str(ROOT / "target")
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
