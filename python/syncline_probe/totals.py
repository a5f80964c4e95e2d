"""What the ended requests of a route came to: some were timed, and stand for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from syncline_probe.waits import taken

if TYPE_CHECKING:
    from syncline_probe.requests import Request

_STATEMENTS = 50  # of a route
_STATEMENT_CHARS = 300


class Totals:
    """What the ended requests of one route came to.

    Their times are only kept as they leave, and added up with the others of the same turn: that
    is the cheapest there is, and of a list's ends no thread takes another's. Anything more than
    a number that was kept of each would keep the collector busy, and the next requests out of the
    processor's cache.

    Attributes:
        took: takes the seconds that a request was inside, for each with a record that leaves.
        waited: takes those from its head's arrival until the application was called, if known.
        requests: those added up; with such as had no record, an estimate, as all below it.
    """

    __slots__ = (
        *("_last", "_least", "_new", "_new_before", "_new_statement_s", "_new_statements"),
        *("_recorded", "_with_statements", "before_known", "before_s", "inside_longest_s"),
        *("inside_s", "requests", "route", "routers", "statement_s", "statements"),
        *("statements_max", "texts", "took", "waited"),
    )

    def __init__(self, route: str) -> None:
        self.route = route
        self.routers: list[object] = []
        self._new: list[float] = []
        self._new_before: list[float] = []
        self._new_statements = 0
        self._new_statement_s = 0.0
        self._last = 0, 0.0, 0.0, 0, 0.0  # what was added up last: requests, and their sums
        self._recorded = 0
        self.took: Callable[[float], None] = self._new.append
        self.waited: Callable[[float], None] = self._new_before.append
        self.requests = 0.0
        self.inside_s = 0.0
        self.inside_longest_s = 0.0
        self.before_s = 0.0
        self.before_known = False
        self.statements = 0.0
        self.statement_s = 0.0
        self._with_statements = 0
        self._least = 0  # of those with any
        self.statements_max = 0
        self.texts: dict[str, list[int]] = {}  # by repeated statement: times, requests

    def pending(self) -> int:
        """How many have left that are not added up yet."""
        return len(self._new)

    def take(self) -> int:
        """Takes what came since the last time, for ``repeat``; by the probe's turns only."""
        took, waited = taken(self._new), taken(self._new_before)
        statements, self._new_statements = self._new_statements, 0
        statement_s, self._new_statement_s = self._new_statement_s, 0.0
        self._recorded += len(took)
        self.before_known |= bool(waited)
        self.inside_longest_s = max(self.inside_longest_s, *took, 0.0)
        self._last = len(took), sum(took), sum(waited), statements, statement_s
        return len(took)

    def repeat(self, times: float) -> None:
        """Adds what was taken last so many times; more than once for those without a record."""
        requests, inside_s, before_s, statements, statement_s = self._last
        self.requests += times * requests
        self.inside_s += times * inside_s
        self.before_s += times * before_s
        self.statements += times * statements
        self.statement_s += times * statement_s

    def statements_min(self) -> int:
        """The fewest of a request; 0 if one had none."""
        return self._least if self._with_statements >= self._recorded else 0

    def repeated(self) -> dict[str, object] | None:
        """The statement that most often ran more than once in a request, if any did."""
        if not self.texts:
            return None
        text, (times, requests) = max(list(self.texts.items()), key=lambda item: item[1][0])
        each = self.requests / self._recorded if self._recorded else 1.0
        whole = round(each * requests)
        return {
            "statement": text[:_STATEMENT_CHARS],
            "times": round(whole * times / requests),
            "requests": whole,
        }

    def row(self, in_flight: int) -> dict[str, object]:
        """As a summary sends it; so many of them are inside.

        The requests of an estimate are told as a whole number, and the statements as those of so
        many: seven of each stay seven of each.
        """
        requests = round(self.requests)
        return {
            "route": self.route,
            "requests": requests,
            "in_flight": in_flight,
            "inside_s": round(self.inside_s, 6),
            "inside_longest_s": round(self.inside_longest_s, 6),
            "before_s": round(self.before_s, 6) if self.before_known else None,
            "statements": round(self.statements / self.requests * requests) if requests else 0,
            "statements_min": self.statements_min(),
            "statements_max": self.statements_max,
            "statement_s": round(self.statement_s, 6),
            "repeated": self.repeated(),
        }

    def add_statements(self, request: Request) -> None:
        """Those of a request that leaves with some.

        The interpreter gives its lock away at calls and loops only, so within no addition; where
        there is no such lock, threads that leave at one instant may lose a count.
        """
        count = request.statements
        if count > self.statements_max:
            self.statements_max = count
        if count < self._least or not self._with_statements:
            self._least = count
        self._with_statements += 1
        self._new_statements += count
        self._new_statement_s += request.statement_s
        if request.texts is not None and count > len(request.texts):
            # A copy: a thread that it has left behind may still run statements.
            for text, times in request.texts.copy().items():
                if times > 1 and (text in self.texts or len(self.texts) < _STATEMENTS):
                    known = self.texts.setdefault(text, [0, 0])
                    known[0] += times
                    known[1] += 1
