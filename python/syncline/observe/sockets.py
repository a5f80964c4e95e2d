"""The service's sockets from outside: who waits unread, who waits to be accepted."""

from __future__ import annotations

from typing import ClassVar

from syncline.observe import procfs
from syncline.observe.observer import Observer, Sample
from syncline.observe.sockdiag import (
    CLOSE_WAIT,
    ESTABLISHED,
    LISTEN,
    SockDiag,
    Socket,
    proc_sockets,
)
from syncline.outcome import Observation

# After so many failures in a row the kernel's better source is given up.
_FAILURES = 3


class Sockets(Observer):
    """Connections of the service's port, bytes on them that nobody reads, the listen queue.

    ``sockets.unread_longest_s`` is for how long the oldest unread data have been lying there at
    least: since when nothing came in on a socket with unread bytes. Overflows and drops of the
    listen queue are counted by the kernel for all sockets of this network namespace.

    Args:
        port: where the service listens.
    """

    name = "sockets"
    period_s = 0.25
    units: ClassVar[dict[str, str]] = {
        "sockets.unread_bytes": "bytes",
        "sockets.unread_longest_s": "s",
    }

    def __init__(self, port: int) -> None:
        self._port = port
        self._diag: SockDiag | None = None
        self._failures = 0
        self._why = ""

    def sample(self, now: float) -> Sample:  # noqa: ARG002 - the kernel tells durations itself
        """See :class:`Observer`."""
        sockets = self._sockets()
        open_ones = [one for one in sockets if one.state != LISTEN]
        # Of one whose client has left (CLOSE_WAIT) nobody waits for an answer any more.
        unread = [one for one in open_ones if one.unread and one.state == ESTABLISHED]
        listeners = [one for one in sockets if one.state == LISTEN]
        found: Sample = {
            "sockets.established": sum(one.state == ESTABLISHED for one in open_ones),
            "sockets.close_wait": sum(one.state == CLOSE_WAIT for one in open_ones),
            "sockets.unaccepted": sum(one.inode == 0 for one in open_ones),
            "sockets.unread": len(unread),
            "sockets.unread_bytes": sum(one.unread for one in unread),
        }
        if self._diag is None:
            if self._failures < _FAILURES:  # a gap, as a line over it would not be true
                found["sockets.unread_longest_s"] = found["sockets.unread_over_1s"] = None
        else:
            ages = [one.silent_s for one in unread if one.silent_s is not None]
            found["sockets.unread_longest_s"] = max(ages, default=0.0)
            found["sockets.unread_over_1s"] = sum(age > 1 for age in ages)
        if listeners:
            found["listen.queue"] = sum(one.unread for one in listeners)
            rooms = [one.room for one in listeners if one.room is not None]
            found["listen.backlog"] = sum(rooms) if rooms else None
        if data := procfs.read("/proc/net/netstat"):
            counts = procfs.table(data).get("TcpExt", {})
            found["listen.overflows_total"] = counts.get("ListenOverflows")
            found["listen.drops_total"] = counts.get("ListenDrops")
        return found

    def observations(self) -> tuple[Observation, ...]:
        """Says so if the kernel's better source was not to be had."""
        if self._failures < _FAILURES:
            return ()
        text = f"For how long data lie unread cannot be seen: {self._why}."
        return (self.note(text),)

    def close(self) -> None:
        """See :class:`Observer`."""
        if self._diag is not None:
            self._diag.close()
            self._diag = None

    def _sockets(self) -> list[Socket]:
        # One dump may fail, as on a machine that stands still for longer than its time limit: this
        # sample is then of /proc/net/tcp, and the next one asks again.
        if self._failures < _FAILURES:
            try:
                self._diag = self._diag or SockDiag()
                found = self._diag.sockets(self._port)
            except OSError as error:
                self._failures += 1
                self._why = str(error)
                self.close()
            else:
                self._failures = 0
                return found
        return proc_sockets(self._port)
