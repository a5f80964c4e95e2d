"""CPU profiles by py-spy, a process of its own for each process of the service."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from syncline.errors import MeasurementError
from syncline.flame import from_folded_text, merged
from syncline.folded import Folded
from syncline.process import Child, ChildSpec, Workspace, spawn
from syncline.profile.needs import HOW_TO_TRACE, py_spy

RATE_HZ = 100  # ten times that halves the throughput of a service
_MOST_PROCESSES = 16
_READY_S = 10.0  # on a busy machine it takes seconds to read a process's symbols
_WRITE_S = 15.0
_SAMPLING = "Sampling process"
_WHOLE = re.compile(r"[^\x00-\x1f\ufffd]+ \d+")


@dataclass(frozen=True, slots=True)
class Recording:
    """What py-spy saw of all processes.

    Attributes:
        folded: numbers of samples.
        duration_s: from when the last one had begun until the first one was ended.
        cpu_s: what the kernel counted for the processes meanwhile.
        samples: how many stacks were seen.
        lost: how many could not be read, because they changed meanwhile.
    """

    folded: Folded
    duration_s: float
    cpu_s: float
    samples: int
    lost: int
    notes: tuple[str, ...] = ()


def record(
    pids: Sequence[int],
    options: Sequence[str],
    workspace: Workspace,
    until: Callable[[], None],
) -> Recording:
    """Records from now on until ``until`` returns.

    Args:
        options: more options of ``py-spy record``: ``--gil``, ``--native``.

    Raises:
        MeasurementError: py-spy could not look into a process.
    """
    chosen = pids[:_MOST_PROCESSES]
    children: list[tuple[Child, Path]] = []
    try:
        for pid in chosen:
            folder = workspace.directory("py-spy")
            children.append((_start(pid, options, folder, workspace), folder / "stacks"))
        for child, _ in children:
            _await_sampling(child)
        began_s, before = time.monotonic(), _cpu_s(chosen)
        until()
        duration_s, after = time.monotonic() - began_s, _cpu_s(chosen)
        for child, _ in children:
            child.stop(_WRITE_S)
        read = [_read(child, path) for child, path in children]
        lost = sum(_lost(child) for child, _ in children) + sum(torn for _, torn in read)
        folded = merged(tree for tree, _ in read)
    finally:
        for child, _ in children:
            child.stop(0)
    notes = []
    if len(pids) > len(chosen):
        notes.append(f"Only {len(chosen)} of {len(pids)} processes were looked into.")
    if any("behind in sampling" in child.log_tail(50) for child, _ in children):
        notes.append("py-spy fell behind: the machine was too busy to look at every instant.")
    cpu_s = sum(max(0.0, after[pid] - before[pid]) for pid in before.keys() & after.keys())
    return Recording(folded, duration_s, cpu_s, round(folded.total), lost, tuple(notes))


def _start(pid: int, options: Sequence[str], folder: Path, workspace: Workspace) -> Child:
    argv = (
        *(py_spy(), "record", "--pid", str(pid), "--format", "raw", "--rate", str(RATE_HZ)),
        *("--full-filenames", "--function", *options, "--output", str(folder / "stacks")),
    )
    return spawn(ChildSpec(argv, workspace, "py-spy", stop_signal=signal.SIGINT))


def _await_sampling(child: Child) -> None:
    deadline = time.monotonic() + _READY_S
    while _SAMPLING not in child.log_tail(50):
        if child.wait(0.02) is not None or time.monotonic() > deadline:
            raise MeasurementError(_reason(child))


def _read(child: Child, path: Path) -> tuple[Folded, int]:
    """The stacks, and how many lines are none: read from a process that ran on meanwhile, a
    function's name may be anything, an end of line among it."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        whole = [line for line in lines if _WHOLE.fullmatch(line)]
        torn = sum(bool(line.strip()) for line in lines) - len(whole)
        return from_folded_text("\n".join(whole)), torn
    except FileNotFoundError:
        if "No such process" in (log := child.log_tail(50)) or "No stack counts" in log:
            return Folded(), 0  # it ended, or did nothing
        raise MeasurementError(_reason(child)) from None


def _lost(child: Child) -> int:
    found = re.search(r"Errors: (\d+)", child.log_tail(50))
    return int(found[1]) if found else 0


def _reason(child: Child) -> str:
    log = child.log_tail(50)
    if re.search(r"permission denied|operation not permitted", log, re.IGNORECASE):
        return f"py-spy may not look into the service. {HOW_TO_TRACE}"
    said = next((line for line in log.splitlines() if line.startswith("Error")), log[-300:])
    return f"py-spy took no profile: {said.strip() or 'it said nothing'}"


def _cpu_s(pids: Sequence[int]) -> dict[int, float]:
    found = {}
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        found[pid] = times.user + times.system
    return found
