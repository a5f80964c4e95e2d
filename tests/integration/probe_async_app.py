"""An asynchronous service on PostgreSQL, through SQLAlchemy and through asyncpg's own pool."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from fastapi import FastAPI
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

URL = make_url(os.environ["DATABASE_URL"])
engine = create_async_engine(URL.set(drivername="postgresql+asyncpg"))
gate = asyncio.Event()
pools: list[Any] = []


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    url = URL.set(drivername="postgresql").render_as_string(hide_password=False)
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        pools.append(pool)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/seven/{number}")
async def seven(number: int) -> int:
    async with engine.connect() as connection:
        for _ in range(7):
            await connection.execute(text("SELECT 7"))
    return number


@app.get("/direct/{number}")
async def direct(number: int) -> int:
    async with pools[0].acquire() as connection, connection.transaction():
        for _ in range(7):
            await connection.fetchval("SELECT 7")
    return number


@app.get("/hold")
async def hold() -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        await gate.wait()


@app.get("/release")
async def release() -> None:
    gate.set()
