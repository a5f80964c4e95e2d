"""A read-through cache in Valkey (or Redis), once for threads and once for an event loop.

Reads ``REDIS_URL``; ``SYNCLINE_CACHE_TTL_S`` and ``SYNCLINE_CACHE_NEGATIVE_TTL_S``: how long
a value, and the knowledge that there is none, is kept; ``SYNCLINE_CACHE_SINGLE_FLIGHT``: ``on``
lets one request at a time load a key, ``off`` lets all that miss it load it (a stampede).
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from syncline_cases.authors.single_flight import AsyncSingleFlight, SingleFlight

NOTHING = b""  # kept for what does not exist, so that asking for it again is cheap, too


@dataclass(slots=True)
class Counts:
    """What the cache did since the start: a load per miss, or more work than was needed."""

    hits: int = 0
    misses: int = 0
    loads: int = 0


@dataclass(frozen=True, slots=True)
class CacheSettings:
    url: str
    ttl_s: float
    negative_ttl_s: float
    single_flight: bool

    def lifetime_ms(self, value: bytes) -> int:
        return round(1000 * (self.ttl_s if value != NOTHING else self.negative_ttl_s))


def cache_settings() -> CacheSettings:
    return CacheSettings(
        url=os.environ["REDIS_URL"],
        ttl_s=float(os.environ.get("SYNCLINE_CACHE_TTL_S", "60")),
        negative_ttl_s=float(os.environ.get("SYNCLINE_CACHE_NEGATIVE_TTL_S", "5")),
        single_flight=os.environ.get("SYNCLINE_CACHE_SINGLE_FLIGHT", "off") == "on",
    )


@dataclass(slots=True)
class Cache:
    """For threads."""

    client: Redis
    settings: CacheSettings
    counts: Counts = field(default_factory=Counts)
    flights: SingleFlight[bytes] = field(default_factory=SingleFlight)

    def get(self, key: str, load: Callable[[], bytes | None]) -> bytes | None:
        """The value of the key, which is loaded on a miss; None if there is none."""
        value = cast(bytes | None, self.client.get(key))
        if value is not None:
            self.counts.hits += 1
            return value or None
        self.counts.misses += 1

        def fill() -> bytes:
            self.counts.loads += 1
            value = load() or NOTHING
            self.client.set(key, value, px=self.settings.lifetime_ms(value))
            return value

        value = self.flights.do(key, fill) if self.settings.single_flight else fill()
        return value or None


@dataclass(slots=True)
class AsyncCache:
    """For an event loop."""

    client: AsyncRedis
    settings: CacheSettings
    counts: Counts = field(default_factory=Counts)
    flights: AsyncSingleFlight[bytes] = field(default_factory=AsyncSingleFlight)

    async def get(self, key: str, load: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """The value of the key, which is loaded on a miss; None if there is none."""
        value = cast(bytes | None, await self.client.get(key))
        if value is not None:
            self.counts.hits += 1
            return value or None
        self.counts.misses += 1

        async def fill() -> bytes:
            self.counts.loads += 1
            value = await load() or NOTHING
            await self.client.set(key, value, px=self.settings.lifetime_ms(value))
            return value

        value = await (self.flights.do(key, fill) if self.settings.single_flight else fill())
        return value or None


def make_cache() -> Cache:
    settings = cache_settings()
    return Cache(Redis.from_url(settings.url), settings)


def make_async_cache() -> AsyncCache:
    settings = cache_settings()
    return AsyncCache(AsyncRedis.from_url(settings.url), settings)
