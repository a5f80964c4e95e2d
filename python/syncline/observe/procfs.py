"""Reading ``/proc``: small files read whole, what vanishes meanwhile is no error."""

from __future__ import annotations

import os
from dataclasses import dataclass

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CHUNK = 65536


def read(path: str) -> bytes | None:
    """The file's content; None if it is not there, not ours to read, or its process ended.

    Not by ``pathlib``: an observer reads hundreds of files a second, and each must cost little.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(descriptor, _CHUNK)
        if len(data) < 1024:  # such files are given whole, or in pages
            return data
        parts = [data]
        while data := os.read(descriptor, _CHUNK):
            parts.append(data)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def names(path: str) -> list[str] | None:
    """The names in a directory; None like :func:`read`."""
    try:
        return os.listdir(path)  # noqa: PTH208 - see read
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Stat:
    """Of ``/proc/PID/stat`` or a thread's (proc_pid_stat(5)).

    Attributes:
        children_user_s, children_system_s: of children that ended and were waited for.
        started: in ticks since the machine's start; with the PID it names the process for good.
    """

    user_s: float
    system_s: float
    children_user_s: float
    children_system_s: float
    threads: int
    started: int
    rss_bytes: int


def stat(path: str) -> Stat | None:
    """The figures of a process or thread; None if it ended."""
    data = read(path)
    if not data:
        return None
    # The second field is the name in parentheses, which may hold anything.
    fields = data[data.rindex(b")") + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return Stat(
        user_s=int(fields[11]) * TICK_S,
        system_s=int(fields[12]) * TICK_S,
        children_user_s=int(fields[13]) * TICK_S,
        children_system_s=int(fields[14]) * TICK_S,
        threads=int(fields[17]),
        started=int(fields[19]),
        rss_bytes=int(fields[21]) * PAGE_BYTES,
    )


def parents() -> dict[int, int]:
    """Each process's parent, of all processes that can be seen and are no zombies."""
    found = {}
    for name in names("/proc") or ():
        if not name.isdigit():
            continue
        data = read(f"/proc/{name}/stat")
        if data:
            fields = data[data.rindex(b")") + 2 :].split(None, 2)
            if fields[0] not in (b"Z", b"X"):
                found[int(name)] = int(fields[1])
    return found


def table(data: bytes) -> dict[str, dict[str, int]]:
    """Pairs of lines as ``/proc/net/netstat`` has them: names, then values, by their prefix."""
    found: dict[str, dict[str, int]] = {}
    lines = data.decode("ascii", "replace").splitlines()
    for head, row in zip(lines[::2], lines[1::2], strict=False):
        prefix, _, columns = head.partition(":")
        values = row.partition(":")[2].split()
        found[prefix] = {
            name: int(value) for name, value in zip(columns.split(), values, strict=False)
        }
    return found
