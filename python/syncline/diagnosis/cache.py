"""Rules about caches: too few hits, and herds on one key."""

from __future__ import annotations

from syncline.diagnosis import names
from syncline.diagnosis.places import at_place
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix

_FEWEST = 100  # lookups of which a ratio means something
_POOR = 0.5
_LOADS = 0.5  # statements per miss, below which a miss is no load
_HERD = 4.0  # loads for one key that ran out

_SINGLE_FLIGHT = """\
async with locks[key]:                   # one loader per key
    if (value := await cache.get(key)) is None:
        value = await load(key)
        await cache.set(key, value, ex=ttl_s + random.uniform(0, ttl_s / 10))
"""


def cache_ineffective(view: View) -> Finding | None:
    """Too few hits, after the cache had the first half of the load to fill."""
    for hits_name, misses_name in zip(names.CACHE_HITS, names.CACHE_MISSES, strict=True):
        hits, misses = _late(view, hits_name), _late(view, misses_name)
        if hits is None or misses is None or hits + misses < _FEWEST:
            continue
        ratio = hits / (hits + misses)
        if ratio >= _POOR:
            return None
        return conclude(
            view,
            "cache-ineffective",
            "warning",
            f"Only {ratio:.0%} of the lookups in the cache hit.",
            signs=[
                sign(0.6, "hit ratio in the second half", ratio, _POOR, None, "cache"),
                sign(0.4, "the same", ratio, 0.2, None, "cache") if ratio < 0.2 else None,
            ],
            fix=Fix(
                "A longer time to live, keys without what varies for nothing, negative caching."
            ),
        )
    return None


def cache_stampede(view: View) -> Finding | None:
    """Many misses for each key that ran out: all who want it load it."""
    expired = view.growth(names.CACHE_EXPIRED)
    misses, hits = (
        next((found for name in group if (found := view.growth(name)) is not None), None)
        for group in (names.CACHE_MISSES, names.CACHE_HITS)
    )
    if not expired or misses is None or hits is None or hits + misses < _FEWEST:
        return None
    herd = misses / expired
    if herd < _HERD or misses > hits:
        return None
    return conclude(
        view,
        "cache-stampede",
        "warning",
        f"Each key that ran out was loaded {herd:.0f} times at once.",
        signs=[
            sign(0.7, "misses per expired key", herd, _HERD, None, "cache"),
            sign(0.2, "expired keys", expired, 0, None, "cache"),
        ],
        against=[_few_loads(view, misses)],
        fix=Fix(
            f"One loader per key{at_place(view, 'statement', 'other')}; the others wait for it.",
            _SINGLE_FLIGHT,
        ),
    )


def _few_loads(view: View, misses: float) -> Sign | None:
    """Where one loads and the others wait or take the old value, all miss, and few ask on."""
    statements = view.growth(names.STATEMENTS)
    if not statements or statements >= _LOADS * misses:
        return None
    return sign(0.7, "statements per miss", statements / misses, _LOADS, None, "probe")


def _late(view: View, name: str) -> float | None:
    """How much a counter grew in the second half of the load."""
    points = view.points(name)
    if len(points) < 4:
        return None
    return points[-1][1] - points[len(points) // 2][1]
