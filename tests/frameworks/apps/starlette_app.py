"""Starlette with asyncpg's own pool, which is too small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.faults.services.settings import database_url
from tests.frameworks.apps.parts import SLOW


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(database_url(), min_size=1, max_size=2) as app.state.pool:
        yield


async def report(request: Request) -> PlainTextResponse:
    async with request.app.state.pool.acquire() as connection:
        await connection.execute(SLOW)
    return PlainTextResponse("done")


app = Starlette(lifespan=lifespan, routes=[Route("/reports/{month}", report)])
