"""What a run runs on, read from the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

from syncline.experiment.noise import measure_noise
from syncline.record import Environment

# Whatever of these is installed shapes what a service can do.
LIBRARIES = (
    *("aiomysql", "anyio", "asyncmy", "asyncpg", "fastapi", "granian", "gunicorn", "h11"),
    *("httptools", "hypercorn", "lmdb", "mysqlclient", "orjson", "psycopg", "psycopg2", "pydantic"),
    *("pymysql", "redis", "rocksdict", "sqlalchemy", "starlette", "uvicorn", "uvloop", "valkey"),
)
_GIT_TIMEOUT_S = 5


def describe_environment(*, placing: str = "", noise: bool = True) -> Environment:
    """This machine, this interpreter and the repository in the working directory.

    Args:
        placing: which cores what is bound to, in a sentence.
        noise: whether the machine's noise is measured as well, which takes over half a second.
    """
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain") if commit else None
    return Environment(
        syncline=_version("syncline") or "unknown",
        python=f"{platform.python_implementation()} {platform.python_version()}{_free_threaded()}",
        system=f"{platform.system()} {platform.machine()}",
        kernel=platform.release(),
        cpu=_cpu_model(),
        cores=usable_cores(),
        memory_bytes=memory_bytes(),
        libraries={name: version for name in LIBRARIES if (version := _version(name))},
        commit=commit,
        dirty=None if changes is None else changes != "",
        noise=measure_noise() if noise else None,
        placing=placing,
    )


def differences(before: Environment, after: Environment) -> tuple[str, ...]:
    """What of the machine and its software is not the same, a phrase each.

    Back ends are left out: they are started later than this is asked.
    """
    found = []
    for name in ("syncline", "python", "system", "kernel", "cpu", "cores", "commit", "dirty"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            found.append(f"{_WORDS.get(name, name)} {_shown(now)}, was {_shown(was)}")
    for library in sorted({*before.libraries, *after.libraries}):
        old, new = before.libraries.get(library), after.libraries.get(library)
        if old != new:
            found.append(f"{library} {_shown(new)}, was {_shown(old)}")
    return tuple(found)


_WORDS = {"commit": "the repository's commit", "dirty": "uncommitted changes"}


def _shown(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def usable_cores() -> int:
    """How many processors this process may run on."""
    return len(usable())


def usable() -> tuple[int, ...]:
    """The processors that this process may run on, by their numbers."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def memory_bytes() -> int:
    """The machine's memory, or the control group's limit if that is less."""
    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(Path("/sys/fs/cgroup") / name).strip()
        if text.isdigit():
            limits.append(int(text))
    return min(limits)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _free_threaded() -> str:
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)
    return "" if has_gil() else " free-threaded"


def _cpu_model() -> str | None:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    # A repository's own settings may name programs to start; the one that status starts is off.
    argv = (git, "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments)
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
