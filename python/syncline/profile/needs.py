"""What profiling needs of this machine, said before anything is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from syncline.errors import EnvironmentLackError
from syncline.folded import ProfileKind

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_MAY_TRACE = 1 << 19  # CAP_SYS_PTRACE in a set of capabilities
HOW_TO_TRACE = (
    "Run as root, or allow it with 'sudo sysctl kernel.yama.ptrace_scope=0'; in a container, give "
    "it --cap-add SYS_PTRACE. Profiles of waits (--kind lock,await) and of allocations do "
    "without."
)


def check_needs(kinds: Iterable[ProfileKind]) -> None:
    """Refuses what could not be taken.

    Raises:
        EnvironmentLackError: a profiler is missing or may not look into other processes; the
            message says how to help it.
    """
    for kind in kinds:
        if kind == "cpu":
            py_spy()
            if not may_trace():
                raise EnvironmentLackError(
                    f"CPU profiles need leave to look into another process. {HOW_TO_TRACE}"
                )
        if kind == "alloc" and importlib.util.find_spec("memray") is None:
            raise EnvironmentLackError(
                "Allocation profiles need memray: pip install 'syncline[profile]'."
            )


def py_spy() -> str:
    """The path of py-spy, preferably the one beside this interpreter.

    Raises:
        EnvironmentLackError: there is none.
    """
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("py-spy", path=places)
    if found is None:
        raise EnvironmentLackError("CPU profiles need py-spy: pip install 'syncline[profile]'.")
    return found


def may_trace() -> bool:
    """Whether a process that is not its parent may be looked into, as far as can be told."""
    try:
        scope = int(_YAMA.read_text())
    except (OSError, ValueError):
        scope = 0  # no Yama: whoever runs as the same user may
    status = Path("/proc/self/status").read_text()
    capabilities = next(
        (int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff")), 0
    )
    return scope == 0 or (scope < 3 and bool(capabilities & _MAY_TRACE))
