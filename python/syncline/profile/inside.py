"""Profiles that the probe takes inside the service: waits, and allocations by memray."""

from __future__ import annotations

import json
import linecache
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncline.errors import MeasurementError
from syncline.flame import merged
from syncline.folded import Folded, Frame, ProfileKind, Stack
from syncline.profile.target import Target

PERIOD_S = 0.02
_LEFT_S = 20.0  # memray writes for long after a service that allocates much
_PAUSE_S = 0.02
_WAITING_CALL = re.compile(
    r"\.(get|put|join|acquire|wait|recv\w*|accept|sendall|select|sleep|result)\("
)
# What is entered without being called, and has no frame of its own: a lock in C, mostly.
_WITH_LOCK = re.compile(r"\s*with\s+[\w.]+(?:\s+as\s+\w+)?\s*:")


@dataclass(frozen=True, slots=True)
class Waits:
    """Where threads or tasks stood: seconds, summed over threads or tasks."""

    folded: Folded
    duration_s: float
    processes: int
    samples: int


def ask(target: Target, kind: ProfileKind, until: Callable[[], None], ending: str) -> list[Path]:
    """Has the probes take a profile until ``until`` returns; a file of each that serves.

    Raises:
        MeasurementError: no probe is there, one failed, or none gave a file in time.
    """
    if target.ask is None:
        raise MeasurementError("This profile is taken by the probe, and the service has none.")
    folder = target.workspace.directory("profile")
    request = {"ask": "profile", "kind": kind, "folder": str(folder), "period_s": PERIOD_S}
    if not target.ask(json.dumps(request).encode() + b"\n"):
        raise MeasurementError(
            "No probe answers in the service: it is not Python, or keeps sitecustomize out."
        )
    until()
    target.ask(b'{"ask":"profile-end"}\n')
    return list(_left(folder, target.pids(), ending))


def waits(paths: list[Path]) -> Waits:
    """The files of all processes as one.

    Raises:
        MeasurementError: a probe failed while it looked.
    """
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for content in contents:
        if content["error"]:
            raise MeasurementError(f"The probe failed while it looked: {content['error']}")
    return Waits(
        merged(Folded.of(_stacks(content)) for content in contents),
        max(content["seconds"] for content in contents),
        len(contents),
        sum(content["samples"] for content in contents),
    )


def _stacks(content: dict[str, Any]) -> Iterator[tuple[Stack, float]]:
    frames = [Frame(str(name), str(file), int(line)) for file, line, name in content["frames"]]
    for numbers, seconds in content["stacks"]:
        stack = tuple(frames[number] for number in numbers)
        yield (*stack, *_called(stack[-1])), float(seconds)


def _called(leaf: Frame) -> tuple[Frame, ...]:
    """What the innermost line waits in, if it is no Python: a lock and a queue in C have no frame
    of their own. Told by the line's text, so a line that only may wait counts as well."""
    line = linecache.getline(leaf.file, leaf.line) if leaf.file else ""
    if found := _WAITING_CALL.search(line):
        return (Frame(f"<{found[1]}>"),)
    if _WITH_LOCK.match(line):
        return (Frame("<acquire>"),)
    return ()


def _left(folder: Path, pids: tuple[int, ...], ending: str) -> Iterator[Path]:
    """What each process has left, waited for."""
    deadline = time.monotonic() + _LEFT_S
    for pid in pids:
        path, failed = folder / f"{pid}{ending}", folder / f"{pid}.failed"
        while not path.exists():
            if failed.exists():
                raise MeasurementError(
                    "The service could not be profiled from within: "
                    f"{failed.read_text(encoding='utf-8')}."
                )
            if time.monotonic() > deadline:
                raise MeasurementError(
                    f"Process {pid} of the service left no profile within {_LEFT_S:g} s."
                )
            time.sleep(_PAUSE_S)
        yield path
