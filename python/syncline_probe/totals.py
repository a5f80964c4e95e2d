"""What the ended requests of a route came to: some were timed, and stand for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from syncline_probe.waits import taken

if TYPE_CHECKING:
    from syncline_probe.request import Request

_STATEMENTS = 50  # of a route
_STATEMENT_CHARS = 300
SAMPLE = 50  # so many stand for the others, if there were as many in all


class Sums(NamedTuple):
    """What some requests came to. ``seen``: those of which all statements were."""

    requests: float = 0
    seen: float = 0
    inside_s: float = 0.0
    before_s: float = 0.0
    statements: float = 0
    statement_s: float = 0.0

    def plus(self, other: Sums, times: float = 1) -> Sums:
        """Both together, the other so many times."""
        return Sums(*[mine + times * its for mine, its in zip(self, other, strict=True)])


_NONE = Sums()


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
        all: the sums of those with a record.
        collected: what came since ``collect``; ``sample``: what stands for others until that is
            enough to do so.
    """

    __slots__ = (
        *("_least", "_new", "_new_before", "_new_statement_s", "_new_statements", "_new_unseen"),
        *("_before", "all", "_with_statements", "before_known", "before_s", "collected"),
        *("inside_longest_s", "inside_s", "requests", "route", "routers", "sample"),
        *("statement_s", "statements", "statements_max", "texts", "took", "waited"),
    )

    def __init__(self, route: str) -> None:
        self.route = route
        self.routers: list[object] = []
        self._new: list[float] = []
        self._new_before: list[float] = []
        self._new_unseen = 0
        self._new_statements = 0
        self._new_statement_s = 0.0
        self.all = self.collected = self.sample = self._before = _NONE
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

    def take(self) -> bool:
        """Adds up what came since the last time, if any did; by the probe's turns only."""
        if not self._new:
            return False
        took, waited = taken(self._new), taken(self._new_before)
        statements, self._new_statements = self._new_statements, 0
        statement_s, self._new_statement_s = self._new_statement_s, 0.0
        unseen, self._new_unseen = self._new_unseen, 0
        seen = max(0, len(took) - unseen)
        new = Sums(len(took), seen, sum(took), sum(waited), statements, statement_s)
        self.all = self.all.plus(new)
        self.before_known |= bool(waited)
        self.inside_longest_s = max(self.inside_longest_s, *took)
        self.collected = self.collected.plus(new)
        self.repeat(self.likely(new), 1)
        return True

    def collect(self, sample: Sums) -> None:
        """What comes from now on is collected by itself; this stands for others meanwhile."""
        self.sample, self.collected = sample, _NONE
        if sample.requests:
            self._before = sample

    @property
    def known(self) -> Sums:
        """The last ones that there were, be they not of late."""
        return self.collected if self.collected.requests else self._before

    def likely(self, sums: Sums, times: float = 1) -> Sums:
        """These so many times: those that were let go have statements like the others."""
        by = sums if sums.seen else self.all
        share = times * sums.requests / by.seen if by.seen else 0.0
        return Sums(
            times * sums.requests,
            times * sums.seen,
            times * sums.inside_s,
            times * sums.before_s,
            share * by.statements,
            share * by.statement_s,
        )

    def repeat(self, sums: Sums, times: float) -> None:
        """Adds these so many times: for requests like them that had no record."""
        requests, _, inside_s, before_s, statements, statement_s = sums
        self.requests += times * requests
        self.inside_s += times * inside_s
        self.before_s += times * before_s
        self.statements += times * statements
        self.statement_s += times * statement_s

    def unseen(self) -> None:
        """One that leaves was let go before: its statements are not known."""
        self._new_unseen += 1

    def statements_min(self) -> int:
        """The fewest of a request; 0 if one had none."""
        return self._least if self._with_statements >= self.all.seen else 0

    def repeated(self) -> dict[str, object] | None:
        """The statement that most often ran more than once in a request, if any did."""
        if not self.texts:
            return None
        text, (times, requests) = max(list(self.texts.items()), key=lambda item: item[1][0])
        if not requests:  # another thread is just about to add the first
            return None
        each = self.requests / self.all.seen if self.all.seen else 1.0
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


def sample_of(every: list[Totals]) -> dict[Totals, Sums]:
    """What was collected last of each; where that is little, with a part of what was before."""
    little = SAMPLE - number_of([one.collected for one in every])
    before = number_of([one.sample for one in every])
    if little <= 0 or not before:
        return {one: one.collected for one in every}
    part = min(1.0, little / before)
    return {one: one.collected.plus(one.sample, part) for one in every}


def number_of(samples: Iterable[Sums]) -> float:
    """How many requests they are."""
    return sum([one.requests for one in samples])
