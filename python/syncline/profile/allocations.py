"""Allocation profiles out of memray's files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncline.errors import EnvironmentLackError, MeasurementError
from syncline.folded import Folded, Frame, Stack

MOST_RECORDS = 5_000_000  # read at about a million a second


@dataclass(frozen=True, slots=True)
class Allocations:
    """What was allocated: by bytes, by number, and the bytes that remained at the end.

    Attributes:
        complete: whether all records were read; of a longer file, the first five million.
    """

    size: Folded
    count: Folded
    remaining: Folded
    complete: bool


def read(paths: Iterable[Path]) -> Allocations:
    """The files of all processes as one.

    Raises:
        EnvironmentLackError: memray is not installed here.
        MeasurementError: a file is not whole.
    """
    try:
        from memray import AllocatorType, FileReader
    except ImportError:
        raise EnvironmentLackError(
            "Allocation profiles need memray: pip install 'syncline[profile]'."
        ) from None
    releases = {AllocatorType.FREE, AllocatorType.MUNMAP, AllocatorType.PYMALLOC_FREE}
    size: defaultdict[Stack, float] = defaultdict(float)
    count: defaultdict[Stack, float] = defaultdict(float)
    remaining: defaultdict[Stack, float] = defaultdict(float)
    left = MOST_RECORDS
    for path in paths:
        try:
            with FileReader(path) as reader:
                left = _add(reader, {int(kind) for kind in releases}, size, count, left)
                for record in reader.get_leaked_allocation_records(merge_threads=True):
                    remaining[_stack(record)] += record.size
        except (OSError, ValueError) as error:
            raise MeasurementError(f"memray's file cannot be read: {error}") from error
    return Allocations(Folded.of(size), Folded.of(count), Folded.of(remaining), left > 0)


def _add(
    reader: Any,
    releases: set[int],
    size: defaultdict[Stack, float],
    count: defaultdict[Stack, float],
    most: int,
) -> int:
    """Adds up one file by stack; how many records may yet be read."""
    sizes: defaultdict[int, int] = defaultdict(int)
    counts: defaultdict[int, int] = defaultdict(int)
    examples: dict[int, Any] = {}
    for record in reader.get_allocation_records():
        most -= 1
        if most <= 0:
            break
        if record.allocator in releases:
            continue
        number = record.stack_id
        sizes[number] += record.size
        counts[number] += 1
        if number not in examples:
            examples[number] = record
    for number, record in examples.items():
        stack = _stack(record)
        size[stack] += sizes[number]
        count[stack] += counts[number]
    return most


def _stack(record: Any) -> Stack:
    frames = reversed(record.stack_trace())
    found = tuple(Frame(name, file, line) for name, file, line in frames)
    return found or (Frame("<outside Python>"),)
