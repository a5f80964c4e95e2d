"""What is profiled, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncline.folded import ProfileKind
from syncline.process import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which profile is to be taken.

    Attributes:
        native: with the frames of native code (CPU only).
    """

    kind: ProfileKind
    native: bool = False

    @property
    def about(self) -> str:
        """How a trial names it: ``cpu``, ``cpu-native``."""
        return f"{self.kind}-native" if self.native else self.kind

    @classmethod
    def of(cls, about: str) -> Wanted:
        """From such a name."""
        kinds: dict[str, ProfileKind] = {kind: kind for kind in ("cpu", "alloc", "lock", "await")}
        return cls(kinds[about.removesuffix("-native")], about.endswith("-native"))


@dataclass(frozen=True, slots=True)
class Target:
    """A running service.

    Attributes:
        pids: those of its processes that are Python and serve.
        ask: sends a line to the probes in all of them; how many it reached. None without a probe.
        workspace: where the profilers' files go.
    """

    pids: Callable[[], tuple[int, ...]]
    ask: Callable[[bytes], int] | None
    workspace: Workspace
