"""What every back end is once it is ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from syncline.process import Child


@dataclass(frozen=True, slots=True)
class Backend:
    """A ready server, from :func:`syncline.backends.provide`. Ends with its ``with`` block.

    Attributes:
        name: ``mariadb``, ``postgres``, ``valkey``.
        url: where a service connects, as an ordinary user.
        version: the server's own word: ``18.6``.
        settings: the settings that were made, the ones on durability always among a private
            database's.
        admin_url: where its administrator connects, also when all places for ordinary users
            are taken; None if there is no such way.
        start_s: how long it took to start, seconds; None for the user's own server.
    """

    name: str
    url: str
    version: str
    variable: str
    settings: Mapping[str, str] = field(default_factory=dict)
    admin_url: str | None = None
    start_s: float | None = None
    child: Child | None = field(default=None, repr=False)

    def env(self) -> dict[str, str]:
        """The environment variables by which a service finds it."""
        return {self.variable: self.url}

    def pids(self) -> tuple[int, ...]:
        """Its live processes; none if it is the user's own server."""
        return self.child.pids() if self.child else ()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log; empty if it is the user's own server."""
        return self.child.log_tail(lines) if self.child else ""

    def close(self) -> None:
        """Stops it and removes its data; leaves the user's own server alone."""
        if self.child:
            self.child.stop()

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
