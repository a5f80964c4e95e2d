"""Stacks of one kind with what each weighs, and a profile made of them.

Stacks that begin alike share their beginning: a profile is kept as the tree that a flame graph
draws, so a hundred thousand samples take some kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from syncline.errors import PlanError

ProfileKind = Literal["cpu", "alloc", "lock", "await"]
Measure = Literal["cpu_s", "wait_s", "bytes", "allocations", "remaining_bytes"]
_NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that was called.

    Attributes:
        name: of the function, qualified where that is known.
        file: its full path; empty if it has none; a library's path in native profiles.
        line: of the call that goes on, or of the function's beginning; 0 if it is not known.
    """

    name: str
    file: str = ""
    line: int = 0


Stack: TypeAlias = tuple[Frame, ...]
AnyStack = TypeVar("AnyStack", bound=Stack)


@dataclass(frozen=True, slots=True)
class Folded:
    """A tree of calls. Node ``i`` is a call from node ``parents[i]``, which is before it.

    Attributes:
        frames: each once.
        parents: by node, the node that called; -1 for the outermost calls.
        calls: by node, the index of its frame.
        own: by node, what was seen with this very stack, what it called not included.
    """

    frames: tuple[Frame, ...] = ()
    parents: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    own: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.parents) == len(self.calls) == len(self.own):
            raise PlanError("the lists of a tree of calls differ in length.")
        for node, (parent, call) in enumerate(zip(self.parents, self.calls, strict=True)):
            if not (_NO_PARENT <= parent < node and 0 <= call < len(self.frames)):
                raise PlanError(f"node {node} of a tree of calls names what is not before it.")

    @classmethod
    def of(cls, stacks: Mapping[AnyStack, float] | Iterable[tuple[AnyStack, float]]) -> Folded:
        """The tree of stacks, each outermost frame first; equal ones add up."""
        frames: dict[Frame, int] = {}
        nodes: dict[tuple[int, int], int] = {}
        own: list[float] = []
        for stack, weight in stacks.items() if isinstance(stacks, Mapping) else stacks:
            node = _NO_PARENT
            for frame in stack:
                key = (node, frames.setdefault(frame, len(frames)))
                node = nodes.setdefault(key, len(nodes))
                if node == len(own):
                    own.append(0.0)
            if node != _NO_PARENT:
                own[node] += weight
        return cls(
            tuple(frames),
            tuple(parent for parent, _ in nodes),
            tuple(call for _, call in nodes),
            tuple(own),
        )

    def stacks(self) -> Iterator[tuple[Stack, float]]:
        """Every stack that weighs something, outermost frame first."""
        paths: list[Stack] = []
        for parent, call, weight in zip(self.parents, self.calls, self.own, strict=True):
            above = paths[parent] if parent != _NO_PARENT else ()
            paths.append((*above, self.frames[call]))
            if weight:
                yield paths[-1], weight

    @property
    def total(self) -> float:
        """The weight of all stacks."""
        return sum(self.own)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one profiling trial took, in one measure.

    Attributes:
        measure: what ``folded`` weighs: seconds on a CPU, seconds of waiting summed over threads
            or tasks, bytes or numbers of allocations, bytes that were allocated meanwhile and
            not freed at its end.
        duration_s: how long it was taken.
        requests: answered well meanwhile; by it two profiles are compared.
        processes: of how many processes.
        samples: how often was looked; 0 where nothing is sampled.
        facts: more figures of the taking, such as ``gil_share``.
        notes: what a reader must know, in sentences.
    """

    kind: ProfileKind
    measure: Measure
    folded: Folded
    duration_s: float
    requests: int
    processes: int = 1
    samples: int = 0
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
