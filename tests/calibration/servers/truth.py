"""What a server saw, by its own count: the measure that the engine's report is held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Served:
    """One request that a server received whole.

    Instants are nanoseconds of CLOCK_MONOTONIC, the engine's clock.

    Attributes:
        connection: the number of its connection, in the order of acceptance.
        method, path: of its request line.
        head_ns: when its head was complete.
        arrived_ns: when its body was complete too.
        first_ns: when the first byte of an answer was about to be sent; None if none was.
        answered_ns: when the last piece of a whole answer was about to be sent; None if the
            answer was broken, or never came.
    """

    connection: int
    method: str
    path: str
    head_ns: int
    arrived_ns: int
    first_ns: int | None
    answered_ns: int | None


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything a server saw until it was asked, or ended.

    Attributes:
        accepted: when each connection was accepted.
        served: the requests received whole, in the order of their arrival.
        bytes_in, bytes_out: payload bytes read and written; of TLS connections the clear text.
        handshakes_failed: TLS handshakes that did not succeed.
        freezes: stretches (from, to) in which the server neither read nor wrote.
        hiccups: stretches for which the machine kept the server from running; empty from
            servers that do not watch for them.
        settled: whether every connection had ended when this was told.
    """

    accepted: tuple[int, ...]
    served: tuple[Served, ...]
    bytes_in: int
    bytes_out: int
    handshakes_failed: int = 0
    freezes: tuple[tuple[int, int], ...] = ()
    hiccups: tuple[tuple[int, int], ...] = ()
    settled: bool = True

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return len(self.accepted)

    @property
    def requests(self) -> int:
        """How many requests were received whole."""
        return len(self.served)

    @property
    def answered(self) -> int:
        """How many whole answers were sent."""
        return sum(1 for one in self.served if one.answered_ns is not None)

    @property
    def hiccup_ns(self) -> int:
        """The longest hiccup."""
        return max((end - start for start, end in self.hiccups), default=0)

    def service_s(self, within_s: float | None = None) -> list[float]:
        """From the arrival of a request to the last byte of its answer, whole answers only.

        Args:
            within_s: only of answers that left within this time after the first request.
        """
        end_ns = math.inf
        if within_s is not None and self.served:
            end_ns = self.served[0].arrived_ns + within_s * NS_PER_S
        return [
            (one.answered_ns - one.arrived_ns) / NS_PER_S
            for one in self.served
            if one.answered_ns is not None and one.answered_ns <= end_ns
        ]
