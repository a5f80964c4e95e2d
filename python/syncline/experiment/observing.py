"""What an experiment asks of its observers; and the observatory that sees nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from syncline.outcome import LoadResult, Observation, Progress, Series
from syncline.process import Workspace


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one trial."""

    series: Mapping[str, Series] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()


class Watch(Protocol):
    """Watches one trial, within a ``with`` block around the load."""

    def glance(self, progress: Progress) -> Mapping[str, float]:
        """Takes note of how the load stands; the newest value of each quantity."""

    def seen(self, result: LoadResult) -> Seen:
        """All of it, once the block has ended."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Inside(Protocol):
    """What can be asked of the probes in a service's processes."""

    def ask(self, line: bytes) -> int: ...
    def processes(self) -> tuple[Any, ...]: ...


class Observatory(Protocol):
    """Holds what observes a run; services and back ends go by the keys that a fleet gives."""

    def see_backend(self, key: str, backend: object) -> None:
        """A back end is ready, and no service uses it yet."""

    def service_env(self, key: str, env: Mapping[str, str]) -> Mapping[str, str]:
        """A service is about to start in this environment; what is to be added to it."""

    def forget_service(self, key: str) -> None:
        """That service has ended, or did not start."""

    def watch(self, key: str, service: object, backends: tuple[str, ...]) -> Watch:
        """What watches a load on that service and the back ends that it uses."""

    def inside(self, key: str) -> Inside | None:
        """The probes of that service; None if it was started without."""

    def close(self) -> None:
        """The run is over."""


class Unobserved:
    """An observatory and a watch that see nothing."""

    def see_backend(self, key: str, backend: object) -> None:
        """See :class:`Observatory`."""

    def service_env(self, key: str, env: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """See :class:`Observatory`."""
        return {}

    def forget_service(self, key: str) -> None:
        """See :class:`Observatory`."""

    def watch(self, key: str, service: object, backends: tuple[str, ...]) -> Watch:  # noqa: ARG002
        """See :class:`Observatory`."""
        return self

    def inside(self, key: str) -> Inside | None:  # noqa: ARG002
        """See :class:`Observatory`."""
        return None

    def close(self) -> None:
        """See :class:`Observatory`."""

    def glance(self, progress: Progress) -> Mapping[str, float]:  # noqa: ARG002
        """See :class:`Watch`."""
        return {}

    def seen(self, result: LoadResult) -> Seen:  # noqa: ARG002
        """See :class:`Watch`."""
        return Seen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


OpenObservatory = Callable[[Workspace], Observatory]


def unobserved(_workspace: Workspace) -> Observatory:
    """For experiments without observers."""
    return Unobserved()
