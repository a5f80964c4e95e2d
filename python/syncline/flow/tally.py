"""What one helper process saw, as counts and histograms that add up.

One lock guards a process's tally: its users are threads that take turns at the interpreter
anyway. :meth:`Tally.closed` ends the measurement: what comes later was in flight.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from syncline._engine import Histogram

_NS = 1_000_000_000
# A silence shorter than this is no news.
_SILENCE_NS = _NS
_SAMPLE_CHARS = 200
TIMES = ("service_time", "response_time", "first_byte", "connect", "error_time", "lateness")


class Part:
    """Counts and histograms of one stretch of time, or of one kind of step."""

    def __init__(self, *times: str) -> None:
        self.counts: Counter[str] = Counter()
        self.status: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.busy_ns = 0
        self.times = {name: Histogram() for name in times}

    def data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "counts": dict(self.counts),
            "status": dict(self.status),
            "errors": dict(self.errors),
            "busy_ns": self.busy_ns,
            "times": {name: one.encode() for name, one in self.times.items() if one.count},
        }


class Tally:
    """Counts from the start of a load to its end; what ends within the warm-up counts apart.

    All instants are nanoseconds since the load's start.
    """

    def __init__(self, warmup_ns: int, interval_ns: int) -> None:
        self._warmup_ns = warmup_ns
        self._interval_ns = interval_ns
        self._lock = Lock()
        self._end_ns: int | None = None
        self._whole = Part(*TIMES)
        self._intervals: dict[int, Part] = {}
        self._steps: dict[str, Part] = {}
        self._flow = Part("duration")
        self._samples: dict[str, dict[str, Any]] = {}
        self._active: dict[int, int] = {}  # user: when its request began
        self._busy_since_ns = 0
        self._quiet_since_ns: int | None = None
        self._silences: list[tuple[int, int]] = []
        self.ok = self.failed = self.timed_out = 0

    def planned(self, at_ns: int) -> None:
        """A flow's, or a later step's, planned instant came."""
        with self._lock:
            if self._measures(at_ns):
                self._whole.counts["planned"] += 1
            self._interval(at_ns).counts["planned"] += 1

    def late(self, at_ns: int, by_ns: int) -> None:
        """A flow whose user was free began so long after its planned instant."""
        with self._lock:
            if self._measures(at_ns):
                self._whole.times["lateness"].record(max(0, by_ns))

    def began(self, user: int, now_ns: int) -> None:
        """A user is about to send a request."""
        with self._lock:
            if self._end_ns is not None:
                return
            self._busy_until(now_ns)
            if not self._active:
                self._quiet_since_ns = now_ns
            self._active[user] = now_ns
            self._interval(now_ns).counts["started"] += 1

    def ended(
        self,
        user: int,
        now_ns: int,
        *,
        step: str,
        kind: str | None,
        sample: str,
        status: int | None,
        sent: bool,
        times_ns: dict[str, int],
        bytes_in: int = 0,
        bytes_out: int = 0,
    ) -> bool:
        """A request ended; kind is None if it succeeded. False if the load was over before."""
        with self._lock:
            if self._end_ns is not None:
                return False
            self._busy_until(now_ns)
            began_ns = self._active.pop(user)
            self._heard(now_ns)
            timed_out = kind in ("response-timeout", "total-timeout", "connect-timeout")
            end = "ok" if kind is None else "timed_out" if timed_out else "failed"
            setattr(self, end, getattr(self, end) + 1)
            for part in self._parts(now_ns, step):
                self._count(part, end, kind, status, times_ns)
                part.counts["bytes_in"] += bytes_in
                part.counts["bytes_out"] += bytes_out
            if self._measures(now_ns):
                self._whole.counts["sent"] += sent
                self._whole.counts["carried_in"] += began_ns < self._warmup_ns
                if kind is not None:
                    self._note_sample(kind, now_ns, sample)
            return True

    def flow_ended(self, now_ns: int, kind: str | None, took_ns: int, sample: str = "") -> None:
        """A flow went through (kind None), failed at a step, or raised an error of its own."""
        with self._lock:
            if self._end_ns is None and self._measures(now_ns):
                self._flow.counts["done" if kind is None else "failed"] += 1
                if kind is None:
                    self._flow.times["duration"].record(took_ns)
                elif kind == "flow-error":
                    self._flow.counts["broken"] += 1
                    self._note_sample(kind, now_ns, sample)

    def close(self, now_ns: int) -> None:
        """Ends the measurement at that instant; once."""
        with self._lock:
            if self._end_ns is not None:
                return
            self._busy_until(now_ns)
            if self._active and self._quiet_since_ns is not None:
                self._note_silence(now_ns)
            self._end_ns = now_ns

    def data(self) -> dict[str, Any]:
        """Everything, as JSON data, once it is closed."""
        with self._lock:
            end_ns = self._end_ns or 0
            return {
                "end_ns": end_ns,
                "whole": self._whole.data(),
                "intervals": {str(i): part.data() for i, part in self._intervals.items()},
                "steps": {name: part.data() for name, part in self._steps.items()},
                "flow": self._flow.data(),
                "samples": self._samples,
                "silences": self._silences,
                "in_flight": len(self._active),
                "in_flight_carried": sum(t < self._warmup_ns for t in self._active.values()),
                "oldest_ns": max((end_ns - t for t in self._active.values()), default=None),
            }

    def glance(self) -> tuple[int, int, int, int]:
        """ok, failed, timed out and in flight, warm-up included."""
        with self._lock:
            return self.ok, self.failed, self.timed_out, len(self._active)

    def _measures(self, at_ns: int) -> bool:
        return at_ns >= self._warmup_ns

    def _parts(self, at_ns: int, step: str) -> list[Part]:
        found = [self._interval(at_ns)]
        if self._measures(at_ns):
            found.append(self._whole)
            found.append(self._steps.setdefault(step, Part("service_time")))
        return found

    def _interval(self, at_ns: int) -> Part:
        index = at_ns // self._interval_ns
        if index not in self._intervals:
            self._intervals[index] = Part("service_time", "response_time")
        return self._intervals[index]

    @staticmethod
    def _count(
        part: Part, end: str, kind: str | None, status: int | None, times_ns: dict[str, int]
    ) -> None:
        part.counts[end] += 1
        if status is not None:
            part.status[str(status)] += 1
        elif kind is not None:
            part.errors[kind] += 1
        for name, value in times_ns.items():
            # A failure's time is kept apart; a time-out counts with the time that was waited.
            place = "error_time" if end == "failed" and name == "service_time" else name
            if place in part.times and not (end == "failed" and name == "response_time"):
                part.times[place].record(max(0, value))

    def connected(self, took_ns: int, now_ns: int) -> None:
        """A connection was opened, or failed to open, after so long."""
        with self._lock:
            if self._end_ns is None and self._measures(now_ns):
                self._whole.times["connect"].record(took_ns)

    def _note_sample(self, kind: str, now_ns: int, text: str) -> None:
        seconds = now_ns / _NS
        found = self._samples.setdefault(
            kind, {"count": 0, "first_s": seconds, "sample": text[:_SAMPLE_CHARS]}
        )
        found["count"] += 1
        found["last_s"] = seconds

    def _busy_until(self, now_ns: int) -> None:
        """Adds the requests in flight up to now to the integral of each interval."""
        at_ns = self._busy_since_ns
        while self._active and at_ns < now_ns:
            until_ns = min(now_ns, (at_ns // self._interval_ns + 1) * self._interval_ns)
            self._interval(at_ns).busy_ns += len(self._active) * (until_ns - at_ns)
            measured_ns = until_ns - max(at_ns, self._warmup_ns)
            self._whole.busy_ns += len(self._active) * max(0, measured_ns)
            at_ns = until_ns
        self._busy_since_ns = max(self._busy_since_ns, now_ns)

    def _heard(self, now_ns: int) -> None:
        if self._quiet_since_ns is not None:
            self._note_silence(now_ns)
        self._quiet_since_ns = now_ns

    def _note_silence(self, now_ns: int) -> None:
        since_ns = max(self._quiet_since_ns or 0, self._warmup_ns)
        if now_ns - since_ns >= _SILENCE_NS:
            self._silences.append((since_ns, now_ns))
