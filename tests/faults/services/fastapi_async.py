"""FastAPI with ``async def`` endpoints: SQLAlchemy over asyncpg, and what blocks the loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Response
from sqlalchemy import create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, selectinload, sessionmaker

from tests.faults.services.settings import database_url, size
from tests.faults.services.tables import Customer, Order
from tests.faults.services.work import Elsewhere, price, score, set_up_logging

set_up_logging(os.environ.get("LOG_LEVEL", "WARNING"))
engine = create_async_engine(
    database_url("asyncpg"),
    pool_size=size("POOL_SIZE", 40),
    max_overflow=size("MAX_OVERFLOW", 0),
    pool_timeout=size("POOL_TIMEOUT", 30),
    echo=bool(size("ECHO", 0)),
)
NewSession = async_sessionmaker(engine)
sync_engine = create_engine(
    database_url("psycopg"),
    pool_size=size("SYNC_POOL_SIZE", 5),
    max_overflow=size("SYNC_MAX_OVERFLOW", 10),
)
NewSyncSession = sessionmaker(sync_engine)
served = count(1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.elsewhere = Elsewhere(size("ELSEWHERE_MS", 50) / 1000)
    limits = httpx.Limits(max_connections=size("HTTP_LIMIT", 200))
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def ready() -> str:
    return "ready"


# --- connections -----------------------------------------------------------------------------


@app.get("/report")
async def report(ms: int = 20) -> int:
    async with NewSession() as session:
        await session.execute(text(f"SELECT pg_sleep({ms / 1000})"))
    return ms


@app.get("/customer")
async def customer() -> str:
    async with NewSession() as session:
        return (await session.scalars(select(Customer.name).limit(1))).one()


places = asyncio.Semaphore(size("POOL_SIZE", 40))


async def get_session() -> AsyncIterator[AsyncSession]:
    async with NewSession() as session:
        yield session


async def get_session_in_order() -> AsyncIterator[AsyncSession]:
    async with places, NewSession() as session:
        yield session


@app.get("/customers")
async def customers(session: Annotated[AsyncSession, Depends(get_session)]) -> list[str]:
    return list((await session.scalars(select(Customer.name).limit(20))).all())


@app.get("/customers-in-order")
async def customers_in_order(
    session: Annotated[AsyncSession, Depends(get_session_in_order)],
) -> list[str]:
    return list((await session.scalars(select(Customer.name).limit(20))).all())


open_exports: list[AsyncSession] = []


@app.get("/export")
async def export(every: int = 20) -> int:
    session = NewSession()
    await session.execute(text("SELECT pg_sleep(0.03)"))
    if next(served) % every == 0:
        open_exports.append(session)
        return 0
    await session.close()
    return 1


@app.get("/order-held")
async def order_held() -> int:
    async with NewSession() as session:
        total = (await session.scalars(select(Order.total).limit(1))).one()
        await asyncio.sleep(0.05)  # asks the payment provider
        await session.commit()
    return total


@app.get("/order-released")
async def order_released() -> int:
    async with NewSession() as session:
        total = (await session.scalars(select(Order.total).limit(1))).one()
    await asyncio.sleep(0.05)
    return total


@app.get("/orders-one-by-one")
async def orders_one_by_one() -> list[int]:
    async with NewSession() as session:
        found = []
        for customer_id in range(1, 21):
            asked = select(Order.total).where(Order.customer_id == customer_id)
            found.append(sum((await session.scalars(asked)).all()))
    return found


@app.get("/orders-together")
async def orders_together() -> list[int]:
    async with NewSession() as session:
        asked = select(Customer).where(Customer.id <= 20).options(selectinload(Customer.orders))
        customers = (await session.scalars(asked)).all()
        return [sum(order.total for order in one.orders) for one in customers]


def legacy_session() -> Session:
    return NewSyncSession()


@app.get("/two-engines")
async def two_engines() -> int:
    if next(served) % 2:
        return await report(30)
    return await asyncio.to_thread(_sync_report)


def _sync_report() -> int:
    with NewSyncSession() as session:
        session.execute(text("SELECT pg_sleep(0.03)"))
    return 30


# --- the event loop ---------------------------------------------------------------------------


@app.get("/sleep-blocking")
async def sleep_blocking(ms: int = 50) -> int:
    time.sleep(ms / 1000)
    return ms


@app.get("/sleep")
async def sleep(ms: int = 50) -> int:
    await asyncio.sleep(ms / 1000)
    return ms


@app.get("/report-sync-driver")
async def report_sync_driver() -> int:
    with legacy_session() as session:
        session.execute(text("SELECT pg_sleep(0.04)"))
    return 40


@app.get("/score-long")
async def score_long(rounds: int = 2_000_000) -> int:
    return score(rounds)


@app.get("/score-in-thread")
async def score_in_thread(rounds: int = 2_000_000) -> int:
    return await asyncio.to_thread(score, rounds)


@app.get("/score")
async def scored(rounds: int = 4_000) -> int:
    return score(rounds)


ledger_lock = asyncio.Lock()
ledger_locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)


@app.get("/ledger")
async def ledger() -> int:
    async with ledger_lock:
        await asyncio.sleep(0.01)
    return 1


@app.get("/ledger-by-key")
async def ledger_by_key() -> int:
    async with ledger_locks[next(served) % 512]:
        await asyncio.sleep(0.01)
    return 1


gate = asyncio.Semaphore(2)


@app.get("/gated")
async def gated() -> int:
    async with gate:
        await asyncio.sleep(0.01)
    return 1


# --- elsewhere --------------------------------------------------------------------------------


@app.get("/rates")
async def rates() -> str:
    answer = await app.state.client.get(app.state.elsewhere.url)
    return str(answer.text)


@app.get("/rates-new-client")
async def rates_new_client() -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(app.state.elsewhere.url)).text


# --- the answer, the log, memory, the end -----------------------------------------------------


@app.get("/price")
async def priced(items: int = 60) -> int:
    return price(items)


@app.get("/closing")
async def closing(response: Response) -> str:
    response.headers["Connection"] = "close"
    return "bye"


kept: list[list[str]] = []
recent: deque[list[str]] = deque(maxlen=100)


@app.get("/remember")
async def remember() -> int:
    await asyncio.sleep(0.005)
    kept.append([f"{number} {time.monotonic_ns()}" for number in range(700)])
    return len(kept)


@app.get("/remember-recent")
async def remember_recent() -> int:
    await asyncio.sleep(0.005)
    recent.append([f"{number} {time.monotonic_ns()}" for number in range(700)])
    return len(recent)


@app.get("/broken")
async def broken() -> int:
    return {"stock": 1}["price"]


never = asyncio.Event()


@app.get("/stops")
async def stops(after: int = 300) -> int:
    if next(served) > after:
        await never.wait()
    await asyncio.sleep(0.005)
    return 1


@app.get("/dies")
async def dies(after: int = 200) -> int:
    if next(served) == after:
        os._exit(3)
    await asyncio.sleep(0.005)
    return 1


first: list[float] = []


@app.get("/slows-down")
async def slows_down(after_s: float = 2.0) -> int:
    first.append(time.monotonic()) if not first else None
    await asyncio.sleep(0.01 if time.monotonic() - first[0] < after_s else 0.04)
    return 1
