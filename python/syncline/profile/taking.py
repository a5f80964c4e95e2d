"""One profile, taken beside a running load by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from syncline.errors import MeasurementError, SynclineError
from syncline.flame import classified, owner, pruned
from syncline.folded import Folded, Measure, Profile, ProfileKind, Stack
from syncline.profile import allocations, cpu, inside
from syncline.profile.target import Target, Wanted

# The load is steady some time after its start, and must not end before the profile does.
_SETTLE_S = 0.3
_BEFORE_END_S = 0.3
_GIL_SHARE = 0.4  # of the time, for the second look of a CPU profile
_ALLOCATIONS_S = 3.0  # a service that allocates much writes tens of megabytes a second
_LEAST_S = 0.5
_END_S = 60.0
_WAKING = frozenset({"idle", "pool", "lock", "queue"})  # and then only in threading.py
_NO_CPU = frozenset({"idle", "pool", "lock", "queue", "sleep", "socket"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it.

    Attributes:
        profiles: one, or of allocations three; their ``requests`` are 0 as yet.
        from_s, to_s: when it was taken, since the load began.
        reason: why there is none, in a sentence; empty if there is.
    """

    profiles: tuple[Profile, ...]
    from_s: float
    to_s: float
    reason: str = ""


class Taking:
    """Takes a profile while its ``with`` block lasts, in the middle of a load.

    Args:
        clock: monotonic seconds.
        warmup_s, duration_s: of the load that begins with the block.
    """

    def __init__(
        self,
        wanted: Wanted,
        target: Target,
        *,
        clock: Callable[[], float],
        warmup_s: float,
        duration_s: float,
    ) -> None:
        self._wanted = wanted
        self._target = target
        self._clock = clock
        self._from_s = warmup_s + _SETTLE_S
        self._to_s = duration_s - _BEFORE_END_S
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="profile", daemon=True)
        self._began_s = 0.0
        self._taken = Taken((), 0.0, 0.0, "The load ended before a profile could be taken.")

    def __enter__(self) -> Self:
        self._began_s = self._clock()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(_END_S)

    def taken(self) -> Taken:
        """What came of it, once the block has ended."""
        if self._thread.is_alive():
            return Taken((), 0.0, 0.0, f"The profiler did not end within {_END_S:g} s.")
        return self._taken

    def _run(self) -> None:
        try:
            if self._to_s - self._from_s < _LEAST_S:
                raise MeasurementError("The load is too short for a profile; give it 3 s or more.")
            if self._over.wait(self._from_s):
                return
            begin_s = self._elapsed_s()
            profiles = _TAKE[self._wanted.kind](self)
            self._taken = Taken(profiles, begin_s, begin_s + profiles[0].duration_s)
        except (SynclineError, OSError) as error:
            self._taken = Taken((), 0.0, 0.0, str(error))

    def _elapsed_s(self) -> float:
        return self._clock() - self._began_s

    def _until(self, at_s: float) -> Callable[[], None]:
        """Waits until that time of the load, or its end."""

        def wait() -> None:
            self._over.wait(max(0.0, at_s - self._elapsed_s()))

        return wait

    def _cpu(self) -> tuple[Profile, ...]:
        pids = self._pids()
        # Stopping a process for a look makes some of its idle threads seem to run: with forty of
        # them that is most of a profile. Not stopping it loses some samples, which are counted.
        # Native frames cannot be had so; there the stacks that wait are taken out again.
        options = ("--native",) if self._wanted.native else ("--nonblocking",)
        turn_s = self._to_s - _GIL_SHARE * (self._to_s - self._elapsed_s())
        seen = cpu.record(pids, options, self._target.workspace, self._until(turn_s))
        held = cpu.record(pids, ("--gil",), self._target.workspace, self._until(self._to_s))
        working = _working(seen.folded, _NO_CPU if self._wanted.native else _WAKING)
        facts = {
            "cpu_cores": seen.cpu_s / seen.duration_s,
            "lost_samples": float(seen.lost),
            # py-spy looks on a little before and after what is timed here.
            "gil_held": min(1.0, held.samples / (cpu.RATE_HZ * held.duration_s * len(pids))),
        }
        if held.cpu_s:
            on_cpu = held.cpu_s / (held.duration_s * len(pids))
            facts["gil_share"] = min(1.0, facts["gil_held"] / on_cpu)
        return (
            Profile(
                "cpu",
                "cpu_s",
                pruned(_scaled(working, seen.cpu_s)),
                seen.duration_s,
                0,
                len(pids),
                seen.samples,
                facts,
                seen.notes,
            ),
        )

    def _waits(self) -> tuple[Profile, ...]:
        paths = inside.ask(self._target, self._wanted.kind, self._until(self._to_s), ".json")
        found = inside.waits(paths)
        tree = pruned(found.folded)
        kind: ProfileKind = self._wanted.kind
        return (Profile(kind, "wait_s", tree, found.duration_s, 0, found.processes, found.samples),)

    def _allocations(self) -> tuple[Profile, ...]:
        begin_s = self._elapsed_s()
        end_s = min(self._to_s, begin_s + _ALLOCATIONS_S)
        paths = inside.ask(self._target, "alloc", self._until(end_s), ".done")
        found = allocations.read(path.with_suffix(".bin") for path in paths)
        notes = () if found.complete else ("Only the first five million records were read.",)
        views: Mapping[Measure, Folded] = {
            "bytes": found.size,
            "allocations": found.count,
            "remaining_bytes": found.remaining,
        }
        one = Profile("alloc", "bytes", Folded(), end_s - begin_s, 0, len(paths), notes=notes)
        return tuple(
            replace(one, measure=measure, folded=pruned(tree)) for measure, tree in views.items()
        )

    def _pids(self) -> tuple[int, ...]:
        if pids := self._target.pids():
            return pids
        raise MeasurementError("No process of the service is known that could be profiled.")


_TAKE: Mapping[ProfileKind, Callable[[Taking], tuple[Profile, ...]]] = {
    "cpu": Taking._cpu,
    "alloc": Taking._allocations,
    "lock": Taking._waits,
    "await": Taking._waits,
}


def _working(folded: Folded, no_work: frozenset[str]) -> Folded:
    """Without the stacks that only wait: py-spy takes some of them for running ones, such as a
    thread that has been woken and waits for a processor or for the GIL."""
    return Folded.of(
        (stack, weight)
        for stack, weight in folded.stacks()
        if not (above := _python(stack))
        or classified(above)[0] not in no_work
        or (no_work is _WAKING and not above[-1].file.endswith("threading.py"))
    )


def _python(stack: Stack) -> Stack:
    """The stack without the native frames at its inner end."""
    ends = [index for index, frame in enumerate(stack, 1) if owner(frame.file) != "native"]
    return stack[: ends[-1]] if ends else ()


def _scaled(folded: Folded, whole: float) -> Folded:
    """The kernel says how much CPU was used, the samples where."""
    factor = whole / folded.total if folded.total else 0.0
    return replace(folded, own=tuple(weight * factor for weight in folded.own))
