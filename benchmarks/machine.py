"""What a benchmark ran on, for the head of its report."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil


def facts() -> dict[str, str]:
    """Names and values, in the order in which a report shows them."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "system": _system(),
        "Python": platform.python_version(),
    }


def command(module: str, options: argparse.Namespace) -> str:
    """How to run it again: the module and what shapes its figures, not where they were put."""
    shaping = {
        name: value for name, value in vars(options).items() if name not in ("add", "out", "quick")
    }
    words = [
        f"--{name}={value:g}" for name, value in shaping.items() if isinstance(value, float | int)
    ]
    words += [f"--only={title}" for title in shaping.get("only") or ()]
    return shlex.join(["python", "-m", module, *words])


def busy_share(over_s: float = 1.0) -> float:
    """How much of the machine is in use just now by others, 0 to 1."""
    return psutil.cpu_percent(over_s) / 100


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    number = git("rev-parse", "--short", "HEAD")
    return (number or "unknown") + (" with changes" if git("status", "--porcelain", "-uno") else "")
