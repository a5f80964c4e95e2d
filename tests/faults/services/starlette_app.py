"""Starlette: asyncpg's own pool, psycopg's, and a cache."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg  # type: ignore[import-untyped]
import redis.asyncio
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.faults.services.settings import database_url, size
from tests.faults.services.work import catalogue, set_up_logging

set_up_logging(os.environ.get("LOG_LEVEL", "WARNING"))
served = count(1)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    most = size("POOL_SIZE", 40)
    if "REDIS_URL" in os.environ:
        app.state.cache = redis.asyncio.from_url(os.environ["REDIS_URL"], max_connections=100)
    async with (
        asyncpg.create_pool(database_url(), min_size=1, max_size=most) as app.state.pool,
        AsyncConnectionPool(database_url(), min_size=1, max_size=most, open=False) as psycopg_pool,
    ):
        app.state.psycopg_pool = psycopg_pool
        yield


async def ready(_request: Request) -> Response:
    return PlainTextResponse("ready")


async def report(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        await connection.execute("SELECT pg_sleep(0.02)")
    return PlainTextResponse("20")


async def report_psycopg(request: Request) -> Response:
    async with request.app.state.psycopg_pool.connection() as connection:
        await connection.execute("SELECT pg_sleep(0.02)")
    return PlainTextResponse("20")


async def order_held(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        total = await connection.fetchval("SELECT total FROM orders LIMIT 1")
        await asyncio.sleep(0.05)
    return PlainTextResponse(str(total))


async def order_released(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        total = await connection.fetchval("SELECT total FROM orders LIMIT 1")
    await asyncio.sleep(0.05)
    return PlainTextResponse(str(total))


async def orders_one_by_one(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        orders = await connection.fetch("SELECT * FROM orders WHERE id % 20 = 0")
        asked = "SELECT name FROM customers WHERE id = $1"
        names = [await connection.fetchval(asked, order["customer_id"]) for order in orders]
    return JSONResponse(names)


async def orders_together(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT name FROM orders JOIN customers ON customers.id = customer_id "
            "WHERE orders.id % 20 = 0"
        )
    return JSONResponse([row["name"] for row in rows])


async def pay(request: Request) -> Response:
    rows = int(request.query_params.get("rows", "1"))
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        row = next(served) % rows + 1
        await connection.execute("UPDATE customers SET balance = balance + 1 WHERE id = $1", row)
        await connection.execute("SELECT pg_sleep(0.01)")
    return PlainTextResponse(str(row))


# --- the cache --------------------------------------------------------------------------------


async def load(request: Request) -> str:
    async with request.app.state.pool.acquire() as connection:
        await connection.execute("SELECT pg_sleep(0.05)")
    return "value"


async def product(request: Request) -> Response:
    """Cached by a key that is new each time, or that comes again."""
    keys = int(request.query_params.get("keys", "50"))
    key = f"product:{time.time_ns()}" if keys == 0 else f"product:{random.randrange(keys)}"
    value = await request.app.state.cache.get(key)
    if value is None:
        value = await load(request)
        await request.app.state.cache.set(key, value, ex=60)
    return PlainTextResponse(value)


async def front_page(request: Request) -> Response:
    """One key for all, that runs out again and again."""
    value = await request.app.state.cache.get("front")
    if value is None:
        value = await load(request)
        await request.app.state.cache.set("front", value, px=400)
    return PlainTextResponse(value)


front_lock = asyncio.Lock()


async def front_page_single(request: Request) -> Response:
    cache = request.app.state.cache
    value = await cache.get("front1")
    if value is None and not front_lock.locked():
        async with front_lock:
            value = await load(request)
            await cache.set("front1", value, px=400)
            await cache.set("front1-old", value)
    return PlainTextResponse(value or await cache.get("front1-old") or "")


async def hot_pages(request: Request) -> Response:
    """Eight keys, each as hot as the one of the front page."""
    key = f"page:{next(served) % 8}"
    value = await request.app.state.cache.get(key)
    if value is None:
        value = await load(request)
        await request.app.state.cache.set(key, value, px=500)
    return PlainTextResponse(value)


# --- the loop, threads, the answer ------------------------------------------------------------


async def sign(request: Request) -> Response:
    digest = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 200_000)
    return PlainTextResponse(digest.hex())


async def sign_in_thread(request: Request) -> Response:
    digest = await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", b"secret", b"salt", 200_000)
    return PlainTextResponse(digest.hex())


async def resize(request: Request) -> Response:
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.1)
    return PlainTextResponse("resized")


async def resize_outside(request: Request) -> Response:
    await asyncio.sleep(0.1)
    return PlainTextResponse("resized")


def thumbnail(_request: Request) -> Response:
    time.sleep(0.08)
    return PlainTextResponse("small")


ARTICLES = catalogue(2500)


async def articles(request: Request) -> Response:
    limit = int(request.query_params.get("limit", "2500"))
    return JSONResponse(ARTICLES[:limit])


async def exported(request: Request) -> Response:
    """Made ready once; large, but no work."""
    return Response(EXPORT, media_type="application/json")


EXPORT = json.dumps(ARTICLES).encode()


async def in_pool_thread(_request: Request) -> Response:
    await run_in_threadpool(time.sleep, 0.02)
    return PlainTextResponse("done")


async def closing(_request: Request) -> Response:
    return PlainTextResponse("bye", headers={"Connection": "close"})


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", ready),
        Route("/report", report),
        Route("/report-psycopg", report_psycopg),
        Route("/order-held", order_held),
        Route("/order-released", order_released),
        Route("/orders-one-by-one", orders_one_by_one),
        Route("/orders-together", orders_together),
        Route("/pay", pay),
        Route("/product", product),
        Route("/front-page", front_page),
        Route("/front-page-single", front_page_single),
        Route("/hot-pages", hot_pages),
        Route("/sign", sign),
        Route("/sign-in-thread", sign_in_thread),
        Route("/resize", resize),
        Route("/resize-outside", resize_outside),
        Route("/thumbnail", thumbnail),
        Route("/articles", articles),
        Route("/exported", exported),
        Route("/in-pool-thread", in_pool_thread),
        Route("/closing", closing),
    ],
)
