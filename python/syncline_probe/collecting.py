"""What the probe has alive brings no garbage collection of the service's nearer.

Python collects when so many objects are there more than after the last time. Where requests have
hundreds of them for a while, as the rows of a database, that threshold is passed by some requests
at once now and then, and by few objects more much oftener: the one coroutine that the probe has
for a request made 5 % more collections of ``users``, half a per cent of its CPU. So the threshold
is higher by half as many objects as the probe has: what was there at the last time is not counted,
and of those inside about half were. With all of them ``users`` had 6 % fewer collections.
"""

from __future__ import annotations

import gc

from syncline_probe import requests

_WITH_A_RECORD = 5  # objects: its coroutine, record and context; holds, texts, statements


class Allowance:
    """Adds to the first threshold, whatever the service sets it to; not if that is none."""

    def __init__(self) -> None:
        self._own = 0  # the service's
        self._set = (0, 0, 0)

    def tick(self, _now: float) -> None:
        """At each turn: by those that there are now."""
        own = self.own()
        if own > 0:
            without, with_one = requests.number_inside()
            more = (without + _WITH_A_RECORD * with_one) // 2
            if self._set[0] != own + more:
                self._own = own
                _, *others = gc.get_threshold()
                gc.set_threshold(own + more, *others)
                self._set = gc.get_threshold()

    def own(self) -> int:
        """The threshold as the service has set it."""
        now = gc.get_threshold()
        return self._own if now == self._set else now[0]


allowance = Allowance()
