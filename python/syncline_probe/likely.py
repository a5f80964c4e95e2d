"""What a request without a record is likely to be."""

from __future__ import annotations

from syncline_probe.ledger import ROUTES, routed
from syncline_probe.totals import Sums, Totals, number_of

_NOTHING = id(None)


class Likely:
    """What a request without a record is likely to be, by what the router found for it.

    Kept as long as the same stands for others, which is for most turns.
    """

    def __init__(self) -> None:
        self.samples: dict[Totals, Sums] = {}
        self._parts: dict[int, list[tuple[Totals, Sums]]] = {}

    def begin(self, samples: dict[Totals, Sums]) -> None:
        """Something else stands for others from now on."""
        self.samples = samples
        self._parts = {}

    def of_router(self, router: int, every: list[Totals]) -> list[tuple[Totals, Sums]]:
        """So much of one request is of each of these routes; empty if nobody knows.

        Args:
            router: the identity of what the router found.
            every: all routes.
        """
        parts = self._parts.get(router)
        if parts is None:
            parts = self._parts[router] = self._found(routed.get(router), router, every)
        return parts

    def _found(
        self, alike: list[Totals] | None, router: int, every: list[Totals]
    ) -> list[tuple[Totals, Sums]]:
        if alike is None:
            if router != _NOTHING and len(routed) < ROUTES:
                return []
            known = {one for some in list(routed.values()) for one in some}
            alike = [one for one in every if one not in known] or every
        sums = [(one, self.samples[one]) for one in alike if one in self.samples]
        recorded = number_of([its for _, its in sums])
        if not recorded:
            sums = [(one, one.known) for one, _ in sums]  # none of them was asked for of late
            recorded = number_of([its for _, its in sums])
        return [(one, one.likely(its, 1 / recorded)) for one, its in sums if recorded]
