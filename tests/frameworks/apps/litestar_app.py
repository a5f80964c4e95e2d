"""Litestar with psycopg's pool, which is too small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from psycopg_pool import AsyncConnectionPool

from tests.faults.services.settings import database_url
from tests.frameworks.apps.parts import SLOW

pool = AsyncConnectionPool(database_url(), min_size=1, max_size=2, open=False, timeout=20)


@asynccontextmanager
async def lifespan(_app: Litestar) -> AsyncIterator[None]:
    async with pool:
        yield


@get("/reports/{month:int}")
async def report(month: int) -> str:
    async with pool.connection() as connection:
        await connection.execute(SLOW)
    return str(month)


app = Litestar([report], lifespan=[lifespan])
