"""Rules about what rises with the requests: memory, descriptors, threads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev

from syncline.diagnosis import names
from syncline.diagnosis.facts import stuck
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.diagnosis.wording import figure
from syncline.finding import Finding, Fix

_BLOCKS = 8
_SHORTEST_S = 2.5
_FEWEST = 5  # samples, of what is looked at seldom; each is then a block
_T_95 = {3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447}
"""Student's t, two-sided 95 %, by degrees of freedom: one less than there are steps."""
_WARM = 0.25  # of the load, in which caches and pools fill
_LEVELS = 0.6  # of the first half's rise: what rises less in the second will not go on so
_LEAST_BYTES = 4_000_000
_LEAST_COUNT = 16
_LEAST_BLOCKS = 100.0  # per 1,000 requests; who keeps something of each keeps an object of each
_OF_WHAT_IS_SENT = 1.2  # bytes kept for each byte of a request, heads included
_FEW = 2000  # requests; of fewer the growth of threads, connections and arenas is not told apart


@dataclass(frozen=True, slots=True)
class Slope:
    """How something rose after the warm-up.

    Attributes:
        per_1000: requests; ``low`` the lower end of its 95 % interval.
        rise: from the first block to the last.
        steady: whether it rose in both halves.
        level: whether the second half rose much less than the first: on its way to an end.
    """

    per_1000: float
    low: float
    rise: float
    start: float
    steady: bool
    level: bool


def slope(view: View, name: str) -> Slope | None:
    """The rise per 1,000 requests with its interval, by the steps between eight blocks,
    or between the samples where there are fewer; None in a load too short to tell it from what
    first requests take once: connections, caches, code.

    Samples in a row depend on each other, so that a line through all of them would claim too
    narrow an interval; medians of blocks do so much less.
    """
    start, end = view.window()
    points = [value for at_s, value in view.points(name) if at_s >= _warm_s(view)]
    if len(points) < _FEWEST or not view.ended or end - start < _SHORTEST_S:
        return None
    count = min(_BLOCKS, len(points))
    size = len(points) // count
    blocks = [median(points[size * i : size * (i + 1)]) for i in range(count)]
    steps = [later - before for before, later in pairwise(blocks)]
    requests = view.ended * (1 - _WARM) / count / 1000
    middle, half = fmean(steps), _T_95[len(steps) - 1] * stdev(steps) / math.sqrt(len(steps))
    rise = blocks[-1] - blocks[0]
    halves = blocks[count // 2 - 1] - blocks[0], blocks[-1] - blocks[count // 2]
    steady = all(part >= 0.2 * rise > 0 for part in halves)
    level = halves[1] < _LEVELS * halves[0]
    return Slope(middle / requests, (middle - half) / requests, rise, blocks[0], steady, level)


def _warm_s(view: View) -> float:
    """The instant from which on caches and pools are taken to be filled."""
    start, end = view.window()
    return start + _WARM * (end - start)


def memory_growth(view: View) -> Finding | None:
    """Resident memory rises throughout, and not by a step."""
    found = None if stuck(view) else slope(view, names.RSS)
    if found is None or found.low <= 0 or not found.steady:
        return None
    if found.rise < max(_LEAST_BYTES, 0.03 * found.start):
        return None
    blocks = slope(view, names.ALLOCATED)
    more = None
    against: list[Sign | None] = []
    sent = 1000 * view.result.bytes_out / max(1, view.result.sent)
    kept = found.per_1000 <= _OF_WHAT_IS_SENT * sent
    if blocks is not None and blocks.steady and blocks.low >= _LEAST_BLOCKS:
        more = sign(0.5, "allocated blocks per 1,000 requests", blocks.per_1000, 0, None, "probe")
    elif found.level or view.ended < _FEW:
        return None  # the first loads of threads and connections, not what requests leave behind
    elif blocks is not None:
        against.append(
            sign(0.2, "allocated blocks per 1,000 requests", blocks.per_1000, 0, None, "probe")
        )
    return conclude(
        view,
        "memory-growth",
        "info" if kept else "warning",
        f"Memory rises by {figure(found.per_1000 / 1e6)} MB per 1,000 requests and does not level "
        "off" + (", no faster than requests bring data: a store does so." if kept else "."),
        signs=[
            sign(
                0.7, "resident bytes per 1,000 requests", found.per_1000, found.low, None, "process"
            ),
            more,
        ],
        against=against,
        fix=Fix(
            "Find what keeps it: the allocation profile names the sites.", "tracemalloc.start()\n"
        ),
    )


def _clients_own(view: View) -> float:
    """How many more descriptors (and threads, where each connection has one) the load itself
    asked for after the warm-up: connections that a busy service accepted late, and those that
    were given up after a time-out while their request still waits to be read."""
    unaccepted, left = (dict(view.points(name)) for name in (names.UNACCEPTED, names.CLOSE_WAIT))
    given_up = view.result.timed_out
    held = [
        (at_s, count - unaccepted.get(at_s, 0.0) + min(left.get(at_s, 0.0), given_up))
        for at_s, count in view.points(names.ESTABLISHED)
    ]
    early = [count for at_s, count in held if at_s <= _warm_s(view)]
    return max((count for _, count in held), default=0.0) - (early[-1] if early else 0.0)


def descriptor_leak(view: View) -> Finding | None:
    """Descriptors or threads rise throughout."""
    for name, what in ((names.DESCRIPTORS, "descriptors"), (names.THREADS, "threads")):
        found = None if stuck(view) else slope(view, name)
        if found is None or found.low <= 0 or not found.steady:
            continue
        if found.rise - _clients_own(view) < _LEAST_COUNT:
            continue
        return conclude(
            view,
            "descriptor-leak",
            "warning",
            f"Open {what} rise by {figure(found.per_1000)} per 1,000 requests.",
            signs=[
                sign(0.75, f"{what} per 1,000 requests", found.per_1000, found.low, None, "process")
            ],
            fix=Fix(
                "Close in every path; share one client or executor.",
                "with open(path) as file:\n    ...\n",
            ),
        )
    return None
