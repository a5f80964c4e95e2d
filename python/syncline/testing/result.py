"""What one load within a test came to: figures to assert on, and words for when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncline.report import units

if TYPE_CHECKING:
    from syncline.finding import Code, Finding
    from syncline.outcome import LoadResult, Outcome, Quantiles, Validity
    from syncline.record import RunRecord

_US_PER_MS = 1000.0


class InvalidMeasurementWarning(UserWarning):
    """A load's figures do not stand, through no fault of the service.

    ``-W error::syncline.testing.InvalidMeasurementWarning`` makes such a test fail.
    """


@dataclass(frozen=True, slots=True, repr=False)
class Findings:
    """What was found, the gravest first. True if there is anything."""

    found: tuple[Finding, ...]

    @property
    def errors(self) -> Findings:
        """Those of severity ``error``."""
        return Findings(tuple(one for one in self.found if one.severity == "error"))

    @property
    def warnings(self) -> Findings:
        """Those of severity ``warning``."""
        return Findings(tuple(one for one in self.found if one.severity == "warning"))

    @property
    def codes(self) -> tuple[Code, ...]:
        """The code of each."""
        return tuple(one.code for one in self.found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __contains__(self, code: object) -> bool:
        """Whether one has this code: ``"pool-exhausted" in result.findings``."""
        return code in self.codes or code in self.found

    def __repr__(self) -> str:
        if not self.found:
            return "no findings"
        return "; ".join(f"{one.code} ({one.severity}): {one.summary}" for one in self.found)


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """One variant of a service under one load, once.

    Times are those of successful requests, and of timed-out ones with the time that was waited:
    in a closed loop from the send, at a given rate from the planned instant.

    Attributes:
        record: the whole run, as the reports show it.
        outcome: all that its trial left.
        load: what the load engine counted and timed.
        findings: why the service bends; ``findings.errors`` and ``findings.warnings`` are parts.
    """

    record: RunRecord
    outcome: Outcome
    load: LoadResult
    findings: Findings

    @property
    def times_us(self) -> Quantiles | None:
        """The summary of the times, in microseconds; None if nothing was answered."""
        return self.load.response_time_us or self.load.service_time_us

    @property
    def p50_ms(self) -> float:
        """The median time, in milliseconds."""
        return self._ms("p50")

    @property
    def p95_ms(self) -> float:
        """The 95th percentile, in milliseconds."""
        return self._ms("p95")

    @property
    def p99_ms(self) -> float:
        """The 99th percentile, in milliseconds."""
        return self._ms("p99")

    @property
    def max_ms(self) -> float:
        """The longest time, in milliseconds."""
        return self._ms("max")

    @property
    def throughput_rps(self) -> float:
        """Successful answers per second."""
        return self.load.throughput_rps

    @property
    def requests(self) -> int:
        """How many ended, however they did."""
        return self.load.ok + self.errors

    @property
    def errors(self) -> int:
        """How many failed: an unexpected status, a broken connection, or a time-out."""
        return self.load.failed + self.load.timed_out

    @property
    def error_rate(self) -> float:
        """``errors`` over ``requests``; 1 if nothing ended, for then nothing was served."""
        return self.errors / self.requests if self.requests else 1.0

    @property
    def validity(self) -> Validity:
        """Whether the figures stand, and why not."""
        return self.outcome.validity

    @property
    def valid(self) -> bool:
        """Whether the figures stand."""
        return self.validity.status == "valid"

    def _ms(self, quantile: str) -> float:
        times = self.times_us
        # Of a service that answered nothing every bound is missed: no answer took forever.
        return float("inf") if times is None else getattr(times, quantile) / _US_PER_MS

    def __repr__(self) -> str:
        trial = self.record.trials[0][0]
        times = self.times_us
        figures = (
            f"p50 {units.duration(times.p50)}, p99 {units.duration(times.p99)}"
            if times
            else "nothing answered"
        )
        worth = "valid" if self.valid else "not valid"
        # pytest cuts what is long in its middle; the codes are what a reader must see.
        codes = ", ".join(f"{one.code} ({one.severity})" for one in self.findings)
        return (
            f"<{self.record.case.name} at {units.plural(trial.load.connections, 'connection')}: "
            f"{figures}, {units.rate(self.throughput_rps)} requests/s, "
            f"{units.plural(self.errors, 'error')}, {worth}; {codes or 'no findings'}>"
        )
